import type { MusterError, Problem } from '@muster-ml/protocol';
import { type BackoffRule, backoffMs, failuresAfter } from '../platform/processes/index.ts';
import type { ReplicaView, RunnerView } from './plan-runners.ts';
import type { RunnerProcess } from './runner-process.ts';
import type { RunnerObservation, RunnerWish } from './runtime-host.ts';

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
  startedAt: number | null;
  retryAt: number;
  failures: number;
  restarts: number;
  problem: Problem | undefined;
  rssBytes: number | null;
  cpuMicros: number | null;
  /** When the health question was sent that has no answer yet. */
  askedAt: number | null;
  readonly replicas: Map<string, ReplicaSlot>;
}

/** Pauses between restarts: short first, because a pack that crashed is back in 200 ms. */
export const restartRule: BackoffRule = { firstMs: 50, mostMs: 10_000, healthyMs: 30_000 };

export function newSlot(wish: RunnerWish, address: string): RunnerSlot {
  return {
    id: wish.id,
    address,
    wish,
    limitsKey: '',
    uid: null,
    phase: 'down',
    process: null,
    startedAt: null,
    retryAt: 0,
    failures: 0,
    restarts: 0,
    problem: undefined,
    rssBytes: null,
    cpuMicros: null,
    askedAt: null,
    replicas: new Map(),
  };
}

/** The slot after its process ended: replicas wait to be loaded again, and those that were loading are remembered. */
export function markEnded(slot: RunnerSlot, error: MusterError, problem: Problem, now: number): void {
  const wasStopping = slot.phase === 'stopping';
  const livedMs = slot.startedAt === null ? 0 : now - slot.startedAt;
  slot.phase = 'down';
  slot.process = null;
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
    if (replica.phase === 'loading' && !wasStopping) {
      replica.crashes += 1;
      replica.problem = problem;
    }
    replica.phase = 'waiting';
  }
  if (wasStopping) return;
  slot.problem = problem;
  // What can never work has not been started, and is tried rarely, and at once when the wish changes.
  if (error.code !== 'limit_not_enforceable') slot.restarts += 1;
  slot.failures = failuresAfter(restartRule, slot.failures, livedMs);
  slot.retryAt =
    now + (error.code === 'limit_not_enforceable' ? restartRule.mostMs : backoffMs(restartRule, slot.failures));
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
  if (slot.problem?.code === 'limit_not_enforceable') return 'failed';
  return slot.restarts > 0 ? 'restarting' : 'starting';
}
