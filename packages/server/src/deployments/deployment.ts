import type { DeploymentRole, DeploymentState, Problem, ServingSettings } from '@muster-ml/protocol';
import type { ServedVersion } from '../registry/index.ts';

/**
 * One version served under an endpoint. Its wish never changes, except for its role (promotion) and its share: another
 * version or other settings are another deployment.
 *
 * ```
 *            every replica          a replica stops answering
 *            has answered           ───────────────────▶
 *  starting ──────────────▶ ready ◀─────────────────────  unready
 *     │                       │ │    all answer again        │
 *     │ did not become ready  │ └──────────┬────────────────-┘
 *     ▼                       │ kept crashing
 *   failed                    │            ▼
 *     │                       │       quarantined
 *     │ next wish for the     │ replaced,  │
 *     │ role, or ended        │ ended      │
 *     ▼                       ▼            ▼
 *   ended ◀───────────────────────── draining        (no gateway uses its replicas any more)
 * ```
 *
 * Readiness and traffic are two things: `state` says whether it answers, `servingSince` whether it has the traffic of
 * its role. It takes the traffic when it first becomes ready, and then the one that had it drains.
 */
export interface DeploymentRecord {
  readonly id: string;
  readonly endpointId: string;
  readonly role: DeploymentRole;
  /** Percent of requests (canary) or of copies (shadow); 100 for a live one, which gets what the canary leaves. */
  readonly sharePercent: number;
  readonly state: DeploymentState;
  /** The pinned version: a copy of what the registry said, which never changes. */
  readonly served: ServedVersion;
  readonly settings: ServingSettings;
  /** Somebody named the endpoint to deploy it although callers would break. */
  readonly isForced: boolean;
  /** Why the platform gave it a runner of its own, if it did; it never goes back to a pack. */
  readonly ownReason: OwnReason | null;
  /** Loads that failed in a row. */
  readonly attempts: number;
  /** No replica is placed before this time (milliseconds since the epoch). */
  readonly retryAt: number | null;
  /** Serial number of the next replica; replica ids are never used again. */
  readonly nextReplica: number;
  /** It brings back an earlier one, so a further rollback goes on from there, not to what it replaces. */
  readonly isRollback: boolean;
  /** The deployment that a rollback of this one brings back. */
  readonly previousId: string | null;
  /** The unfinished operation that waits for it. */
  readonly operationId: string | null;
  readonly problem: Problem | null;
  readonly createdAt: number;
  readonly createdBy: string;
  /** The last decision about it; null while the change that makes it is not written. */
  readonly decision: Decision | null;
  readonly readyAt: number | null;
  readonly servingSince: number | null;
  readonly endedAt: number | null;
  readonly replicas: readonly ReplicaRecord[];
}

/** Who decided something: the action, and the entry of the ledger, null where that is not known any more. */
export interface Decision {
  /** Id of an actor. */
  readonly by: string;
  readonly action: string | null;
  readonly entry: number | null;
}

export type OwnReason = 'crash' | 'memory' | 'time';

/** Where one replica runs. */
export interface ReplicaRecord {
  /** `<deployment>.<serial>` */
  readonly id: string;
  /** A runner is named after the first replica that was put in it. */
  readonly runner: string;
  readonly runnerKind: 'pack' | 'own';
  /** Gets no new requests, and is released once no gateway uses it. */
  readonly isLeaving: boolean;
  readonly createdAt: number;
  /** When it first answered; only such a one is routed. */
  readonly readyAt: number | null;
}

/** Whether it has the traffic of its role. */
export function isServing(deployment: DeploymentRecord): boolean {
  if (deployment.servingSince === null) return false;
  return deployment.state === 'ready' || deployment.state === 'unready' || deployment.state === 'quarantined';
}

/** Whether it is meant to run: its replicas are placed, loaded and replaced. */
export function isWanted(deployment: DeploymentRecord): boolean {
  return deployment.state === 'starting' || deployment.state === 'ready' || deployment.state === 'unready';
}

/** Whether it stands for its role: not yet replaced, ended or given up. */
export function isPresent(deployment: DeploymentRecord): boolean {
  return deployment.state !== 'draining' && deployment.state !== 'ended';
}

/** The replicas that are meant to stay. */
export function stayingReplicas(deployment: DeploymentRecord): readonly ReplicaRecord[] {
  return deployment.replicas.filter((replica) => !replica.isLeaving);
}

/**
 * The replicas that get requests: those that stay and have answered once. While replacements of leaving ones are not
 * warm yet, the leaving ones too. One whose runner restarts stays: the gateway knows its link best.
 */
export function routedReplicas(deployment: DeploymentRecord): readonly ReplicaRecord[] {
  const warm = deployment.replicas.filter((replica) => replica.readyAt !== null);
  const staying = warm.filter((replica) => !replica.isLeaving);
  return staying.length >= deployment.settings.replicas ? staying : warm;
}

/** Whether every replica that gets its requests answers now, by what is seen of each. */
export function answers(deployment: DeploymentRecord, seen: (replicaId: string) => string | undefined): boolean {
  const routed = routedReplicas(deployment);
  return routed.length >= deployment.settings.replicas && routed.every((replica) => seen(replica.id) === 'ready');
}

/** Lets replicas go: one that never answered is forgotten at once, the others leave. */
export function release(
  deployment: DeploymentRecord,
  which: (replica: ReplicaRecord) => boolean = () => true,
): DeploymentRecord {
  const replicas = deployment.replicas.flatMap((replica) => {
    if (!which(replica)) return [replica];
    if (replica.readyAt === null) return [];
    return [replica.isLeaving ? replica : { ...replica, isLeaving: true }];
  });
  return { ...deployment, replicas };
}

/** Begins its end: it drains, or is ended at once where no gateway can know it. */
export function drain(deployment: DeploymentRecord, now: number): DeploymentRecord {
  const released = release(deployment);
  return released.replicas.length === 0
    ? { ...released, state: 'ended', operationId: null, endedAt: now }
    : { ...released, state: 'draining', operationId: null };
}

/** Gives it up: it keeps its place and its problem until the next wish for its role, without any replica that starts. */
export function fail(deployment: DeploymentRecord, problem: Problem): DeploymentRecord {
  return { ...release(deployment), state: 'failed', operationId: null, problem };
}
