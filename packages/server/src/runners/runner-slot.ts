import type { MusterError, Problem } from '@muster-ml/protocol';
import { type BackoffRule, backoffMs, failuresAfter } from '../platform/processes/index.ts';
import { type Mask, createMask } from './mask-secrets.ts';
import { type ReplicaView, type RunnerView, replicaKeyOf } from './plan-runners.ts';
import type { RunnerProcess } from './runner-process.ts';
import type { ReplicaWish, RunnerObservation, RunnerWish } from './runtime-host.ts';

/** What is known of one replica. */
export interface ReplicaSlot {
  readonly id: string;
  readonly key: string;
  readonly digest: string;
  phase: ReplicaView['phase'];
  crashes: number;
  problem?: Problem | undefined;
  loadMs?: number | undefined;
  memoryBytes?: number | undefined;
  /** Since it was loaded, as of the last health report. */
  runs?: number | undefined;
  runMicros?: number | undefined;
}

/** What the host remembers of one runner, over the processes that it has been. */
export interface RunnerSlot {
  readonly id: string;
  readonly address: string;
  wish: RunnerWish;
  limitsKey: string;
  uid: number | null;
  phase: RunnerView['phase'];
  process: RunnerProcess | null;
  /** Ends what is being made for its next process. */
  preparing: AbortController | null;
  progress: string | undefined;
  /** Blanks the values of secrets that its process was started with. */
  mask: Mask;
  /** Lets go of the environment that it runs in. */
  release: () => void;
  startedAt: number | null;
  retryAt: number;
  failures: number;
  restarts: number;
  /** Its process was killed on purpose: its end says nothing about what it held. */
  isEndedOnPurpose: boolean;
  problem: Problem | undefined;
  rssBytes: number | null;
  cpuMicros: number | null;
  /** When the health question was sent that has no answer yet. */
  askedAt: number | null;
  readonly replicas: Map<string, ReplicaSlot>;
}

/** Pauses between restarts: short first, because a pack that crashed is back in 200 ms. */
export const restartRule: BackoffRule = { firstMs: 50, mostMs: 10_000, healthyMs: 30_000 };

/** What does not come right by trying again soon, and is no crash: it is tried rarely, and at once when the wish changes. */
const settledMs: Readonly<Partial<Record<string, number>>> = {
  limit_not_enforceable: restartRule.mostMs,
  python_not_found: 60_000,
  environment_unresolvable: 60_000,
  environment_failed: 60_000,
  environment_too_large: 60_000,
  disk_full: 60_000,
  secret_not_found: restartRule.mostMs,
  secret_unreadable: restartRule.mostMs,
  secret_key_invalid: restartRule.mostMs,
};

export function newSlot(wish: RunnerWish, address: string): RunnerSlot {
  return {
    id: wish.id,
    address,
    wish,
    limitsKey: '',
    uid: null,
    phase: 'down',
    process: null,
    preparing: null,
    progress: undefined,
    mask: createMask([]),
    release: () => {},
    startedAt: null,
    retryAt: 0,
    failures: 0,
    restarts: 0,
    isEndedOnPurpose: false,
    problem: undefined,
    rssBytes: null,
    cpuMicros: null,
    askedAt: null,
    replicas: new Map(),
  };
}

/** What is known of a wished replica, begun anew where the wish has changed. */
export function replicaSlot(slot: RunnerSlot, wish: ReplicaWish): ReplicaSlot {
  const known = slot.replicas.get(wish.id);
  const key = replicaKeyOf(wish);
  if (known !== undefined && known.key === key) return known;
  const fresh: ReplicaSlot = { id: wish.id, key, digest: wish.digest, phase: 'waiting', crashes: 0 };
  slot.replicas.set(wish.id, fresh);
  return fresh;
}

/** The slot after its process ended: replicas wait to be loaded again, and those that were loading are remembered. */
export function markEnded(slot: RunnerSlot, error: MusterError, problem: Problem, now: number): void {
  const wasStopping = slot.phase === 'stopping';
  const wasOnPurpose = slot.isEndedOnPurpose;
  slot.isEndedOnPurpose = false;
  const livedMs = slot.startedAt === null ? 0 : now - slot.startedAt;
  slot.phase = 'down';
  slot.process = null;
  slot.preparing = null;
  slot.progress = undefined;
  slot.release();
  slot.release = () => {};
  slot.startedAt = null;
  slot.rssBytes = null;
  slot.cpuMicros = null;
  slot.askedAt = null;
  for (const replica of slot.replicas.values()) {
    if (replica.phase === 'unloading') {
      slot.replicas.delete(replica.id);
      continue;
    }
    // A failure that the runner reported stays; a crash says nothing about it.
    if (replica.phase === 'failed') continue;
    if (replica.phase === 'loading' && !wasStopping && !wasOnPurpose) {
      replica.crashes += 1;
      replica.problem = problem;
    }
    replica.phase = 'waiting';
  }
  if (wasStopping) return;
  slot.problem = problem;
  if (wasOnPurpose) {
    slot.restarts += 1;
    slot.retryAt = now;
    return;
  }
  const pauseMs = settledMs[error.code];
  if (pauseMs === undefined) slot.restarts += 1;
  slot.failures = failuresAfter(restartRule, slot.failures, livedMs);
  slot.retryAt = now + (pauseMs ?? backoffMs(restartRule, slot.failures));
}

export function viewOf(slot: RunnerSlot): RunnerView {
  return {
    id: slot.id,
    phase: slot.phase,
    limitsKey: slot.limitsKey,
    retryAt: slot.retryAt,
    replicas: [...slot.replicas.values()],
  };
}

/** What control gets to see. A replica that is wished and not known yet is `waiting`. */
export function observationOf(slot: RunnerSlot, isolation: string): RunnerObservation {
  return {
    id: slot.id,
    state: stateOf(slot),
    pid: slot.process?.pid ?? null,
    address: slot.address,
    startedAt: slot.startedAt,
    restarts: slot.restarts,
    rssBytes: slot.rssBytes,
    cpuMicros: slot.cpuMicros,
    isolation,
    ...(slot.problem === undefined || slot.phase === 'running' ? {} : { problem: slot.problem }),
    ...(slot.progress === undefined ? {} : { progress: slot.progress }),
    replicas: slot.wish.replicas.map(({ id }) => {
      const known = slot.replicas.get(id);
      if (known === undefined || known.phase === 'unloading') return { id, state: 'waiting' as const };
      return {
        id,
        state: known.phase,
        ...(known.problem === undefined || known.phase === 'ready' ? {} : { problem: known.problem }),
        ...(known.loadMs === undefined ? {} : { loadMs: known.loadMs }),
        ...(known.memoryBytes === undefined ? {} : { memoryBytes: known.memoryBytes }),
        ...(known.runs === undefined ? {} : { runs: known.runs }),
        ...(known.runMicros === undefined ? {} : { runMicros: known.runMicros }),
      };
    }),
  };
}

function stateOf(slot: RunnerSlot): RunnerObservation['state'] {
  if (slot.phase === 'running') return 'running';
  if (slot.problem !== undefined && settledMs[slot.problem.code] !== undefined) return 'failed';
  return slot.restarts > 0 ? 'restarting' : 'starting';
}
