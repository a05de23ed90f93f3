export type { ReplicaObservation, ReplicaWish, RunnerObservation, RunnerWish, RuntimeHost } from './runtime-host.ts';
