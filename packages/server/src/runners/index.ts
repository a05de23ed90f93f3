export { ChannelRuntimeHost, runnersTopic, serveRuntimeHost } from './channel-runtime-host.ts';
export type { Program } from './confine.ts';
export type {
  EnvironmentHost,
  InspectionHost,
  ReplicaObservation,
  ReplicaWish,
  RunnerEnder,
  RunnerObservation,
  RunnerWish,
  RuntimeHost,
} from './runtime-host.ts';
export { shareRuntimeHost } from './shared-runtime-host.ts';
export { startLocalRuntimeHost } from './start-local-host.ts';
