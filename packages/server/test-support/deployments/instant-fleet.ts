import { type ErrorCode, MusterError, toProblem } from '@muster-ml/protocol';
import type { ReplicaObservation, RunnerWish, RuntimeHost } from '../../src/runners/index.ts';
import type { GatewayHub, GatewayReport, Incident, RoutingTable } from '../../src/serving/index.ts';

/** A host that does at once what it is told, and a gateway that applies every table at once. */
export interface InstantFleet {
  readonly runtimeHost: RuntimeHost;
  readonly gatewayHub: GatewayHub;
  /** The newest list and table. */
  wishes(): readonly RunnerWish[];
  table(): RoutingTable | undefined;
  published(): number;
  /** Loads of this digest fail (for a reason), wait, or work. */
  behave(digest: string, as: 'ready' | 'failed' | 'loading' | 'unready', reason?: ErrorCode): void;
  /** The runner of a replica dies and comes back. */
  kill(replica: string): void;
  report(incidents: readonly Incident[]): void;
}

export function createInstantFleet(): InstantFleet {
  let wishes: readonly RunnerWish[] = [];
  let table: RoutingTable | undefined;
  let published = 0;
  const behaviour = new Map<string, ReplicaObservation['state']>();
  const reasons = new Map<string, ErrorCode>();
  const restarts = new Map<string, number>();
  const listeners = new Set<() => void>();
  const reporters = new Set<(report: GatewayReport) => void>();
  const told = (incidents: readonly Incident[] = []): GatewayReport => ({
    gateway: 'g',
    startedAt: 0,
    applied: table?.version ?? 0,
    draining: [],
    ready: [],
    incidents,
  });
  const changed = (): void => queueMicrotask(() => listeners.forEach((listener) => listener()));
  return {
    runtimeHost: {
      want: async (next) => {
        wishes = next;
        changed();
        await Promise.resolve();
      },
      observed: () =>
        wishes.map((wish) => ({
          id: wish.id,
          state: 'running',
          pid: 1,
          address: `unix:/${wish.id}`,
          startedAt: 0,
          restarts: restarts.get(wish.id) ?? 0,
          rssBytes: null,
          cpuMicros: null,
          isolation: 'none',
          ...(wish.runtime === 'python' && wish.replicas.some(({ digest }) => behaviour.get(digest) === 'loading')
            ? { progress: 'installing 31 packages' }
            : {}),
          replicas: wish.replicas.map(({ id, digest }) => {
            const state = behaviour.get(digest) ?? 'ready';
            return {
              id,
              state,
              ...(state === 'failed'
                ? {
                    problem: toProblem(
                      new MusterError(reasons.get(digest) ?? 'invalid_model_file', 'the file is cut off'),
                    ),
                  }
                : {}),
            };
          }),
        })),
      addressOf: (runner) => `unix:/${runner}`,
      onChange: (callback) => {
        listeners.add(callback);
        return () => void listeners.delete(callback);
      },
      isolation: { level: 'none', advice: '' },
    },
    gatewayHub: {
      publish: (next) => {
        table = next;
        published += 1;
        queueMicrotask(() => reporters.forEach((reporter) => reporter(told())));
      },
      gateways: () => [told()],
      onReport: (callback) => {
        reporters.add(callback);
        return () => void reporters.delete(callback);
      },
    },
    wishes: () => wishes,
    table: () => table,
    published: () => published,
    behave(digest, as, reason = 'invalid_model_file') {
      behaviour.set(digest, as);
      reasons.set(digest, reason);
      changed();
    },
    kill(replica) {
      const runner = wishes.find((wish) => wish.replicas.some(({ id }) => id === replica));
      if (runner !== undefined) restarts.set(runner.id, (restarts.get(runner.id) ?? 0) + 1);
      changed();
    },
    report: (incidents) => reporters.forEach((reporter) => reporter(told(incidents))),
  };
}
