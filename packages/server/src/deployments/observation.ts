import type { Problem } from '@muster-ml/protocol';
import type { ReplicaObservation, RunnerObservation } from '../runners/index.ts';
import type { GatewayReport } from '../serving/index.ts';

/** A gateway that is connected, or was so lately that it may still send requests by its last table. */
export interface KnownGateway {
  readonly gateway: string;
  readonly isConnected: boolean;
  /** Version of the table that its new requests use; 0 where that is not one of ours. */
  readonly applied: number;
  /** Replicas that are not in that table but have requests in flight. */
  readonly draining: ReadonlySet<string>;
}

/** What is seen of a replica that was asked for. */
export interface SeenReplica {
  readonly state: ReplicaObservation['state'];
  readonly problem: Problem | undefined;
  /** What its runner is being prepared with, for people; undefined once it starts. */
  readonly progress: string | undefined;
  readonly memoryBytes: number | undefined;
  /** Mean time of a run, once there were enough to tell. */
  readonly runMs: number | undefined;
}

/** How often runners died under a deployment lately. */
export interface CrashCount {
  readonly suspected: number;
  readonly confirmed: number;
  readonly death: number;
}

/** Everything that the decision sees of the world, at one moment. */
export interface Observed {
  /** By replica id; one that the host does not report yet is absent. */
  readonly replicas: ReadonlyMap<string, SeenReplica>;
  /** Runners that the host could not start. */
  readonly failedRunners: ReadonlySet<string>;
  readonly gateways: readonly KnownGateway[];
  /** Whether host and gateways have had the time to show themselves since control started. */
  readonly isSettled: boolean;
  /** When control started: while it was away, nothing could become ready. */
  readonly since: number;
  readonly tables: PublishedTables;
  /** By deployment id. */
  readonly crashes: ReadonlyMap<string, CrashCount>;
  /** Why the file of a version can't be had, by digest. */
  readonly missingFiles: ReadonlyMap<string, Problem>;
}

/** What has been told to the gateways. */
export interface PublishedTables {
  /** The version from which on tables say what the endpoint's present state says; undefined before one is published. */
  versionOf(endpointId: string): number | undefined;
  /** The version from which on no table holds the replica; undefined while the newest still does. */
  versionWithout(replicaId: string): number | undefined;
}

/** Runs that a mean is worth telling from. */
const enoughRuns = 20;

/** Puts what the host reports in order, by replica. A replica in a runner that could not be started has failed with it. */
export function seeReplicas(runners: readonly RunnerObservation[]): Pick<Observed, 'replicas' | 'failedRunners'> {
  const replicas = new Map<string, SeenReplica>();
  const failedRunners = new Set<string>();
  for (const runner of runners) {
    const hasFailed = runner.state === 'failed';
    if (hasFailed) failedRunners.add(runner.id);
    for (const replica of runner.replicas) {
      replicas.set(replica.id, {
        state: hasFailed ? 'failed' : replica.state,
        problem: replica.problem ?? (hasFailed ? runner.problem : undefined),
        progress: runner.progress,
        memoryBytes: replica.memoryBytes,
        runMs:
          replica.runs !== undefined && replica.runMicros !== undefined && replica.runs >= enoughRuns
            ? replica.runMicros / replica.runs / 1000
            : undefined,
      });
    }
  }
  return { replicas, failedRunners };
}

/** What a report says of a gateway. One that claims a version beyond ours has another control's table: it has applied none of ours. */
export function knownGateway(report: GatewayReport, newestVersion: number, isConnected: boolean): KnownGateway {
  return {
    gateway: report.gateway,
    isConnected,
    applied: report.applied > newestVersion ? 0 : report.applied,
    draining: new Set(report.draining),
  };
}

/** Whether no gateway can send anything to a replica any more, now or later. */
export function isUnused(observed: Observed, replicaId: string): boolean {
  const version = observed.tables.versionWithout(replicaId);
  if (version === undefined || !observed.isSettled) return false;
  return observed.gateways.every((gateway) => gateway.applied >= version && !gateway.draining.has(replicaId));
}

/** Whether every connected gateway works by the endpoint's present state. With none, that waits until it is clear that there is none. */
export function isApplied(observed: Observed, endpointId: string): boolean {
  const version = observed.tables.versionOf(endpointId);
  if (version === undefined) return false;
  const connected = observed.gateways.filter((gateway) => gateway.isConnected);
  if (connected.length === 0) return observed.isSettled && observed.gateways.length === 0;
  return connected.every((gateway) => gateway.applied >= version);
}
