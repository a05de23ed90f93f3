export { ChannelRuntimeHost, type HostReport, type HostRequest, runnersTopic, serveRuntimeHost } from './channel-runtime-host.ts';
export { type IsolationLevel, type Program, isolationLevels } from './confine.ts';
export { type Isolation, type IsolationWish, probeIsolation } from './isolation.ts';
export { LocalRuntimeHost, type LocalRuntimeHostOptions } from './local-runtime-host.ts';
export { nodeFolders, onnxProgram } from './onnx-program.ts';
export type { ReplicaObservation, ReplicaWish, RunnerObservation, RunnerWish, RuntimeHost } from './runtime-host.ts';
