export {
  ChannelRuntimeHost,
  type HostReport,
  type HostRequest,
  runnersTopic,
  serveRuntimeHost,
} from './channel-runtime-host.ts';
export type { Program } from './confine.ts';
export { LocalRuntimeHost } from './local-runtime-host.ts';
export { onnxProgram } from './onnx-program.ts';
export type { ReplicaObservation, ReplicaWish, RunnerObservation, RunnerWish, RuntimeHost } from './runtime-host.ts';
export { type LocalHostStart, startLocalRuntimeHost } from './start-local-host.ts';
