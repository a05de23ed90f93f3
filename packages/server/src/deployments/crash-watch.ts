import type { NewId } from '../platform/clock/index.ts';
import type { RunnerObservation } from '../runners/index.ts';
import type { Incident } from '../serving/index.ts';
import type { CrashCount } from './observation.ts';
import type { Crash } from './store.ts';

/** What a runner holds, as the desired state has it. */
export interface HeldReplica {
  readonly id: string;
  readonly deploymentId: string;
  readonly runnerKind: 'pack' | 'own';
  readonly createdAt: number;
  readonly readyAt: number | null;
}

/** What dies on purpose has died, and what was in flight in it was told, within this time. */
const expectedWithinMs = 10_000;

/** When a pack dies while several replicas load, this many of the first are suspected: a runner loads in order. */
const suspectedLoads = 4;

/**
 * Finds out under which deployment a runner died, from what the host and the gateways say. A runner of its own tells by
 * its count of restarts. In a pack the gateways tell who was running; who was loading is seen here.
 */
export interface CrashWatch {
  /** Compares with the last look; answers crashes since. */
  look(
    runners: readonly RunnerObservation[],
    heldBy: (runner: string) => readonly HeldReplica[],
    now: number,
  ): readonly Crash[];
  /** A runner is about to be killed on purpose: its next death, and what was in flight in it, are no crash of anybody. */
  expectDeath(runner: string, held: readonly HeldReplica[], now: number): void;
  /** Whether a gateway tells of a death that was on purpose. */
  isExpected(incident: Pick<Incident, 'replica' | 'kind'>, now: number): boolean;
}

/** A death on purpose: who was in the runner then, and whether its restart was seen already. */
interface ExpectedDeath {
  readonly runner: string;
  readonly replicas: ReadonlySet<string>;
  readonly at: number;
  isSeen: boolean;
}

export function createCrashWatch(newId: NewId, startedAt: number): CrashWatch {
  let last = new Map<string, RunnerObservation>();
  let expected: ExpectedDeath[] = [];
  const current = (now: number): ExpectedDeath[] => {
    expected = expected.filter(({ at }) => now - at < expectedWithinMs);
    return expected;
  };
  const excuse = (runner: string, now: number): number => {
    const death = current(now).find((one) => one.runner === runner && !one.isSeen);
    if (death === undefined) return 0;
    death.isSeen = true;
    return 1;
  };
  return {
    expectDeath(runner, held, now) {
      current(now).push({ runner, replicas: new Set(held.map(({ id }) => id)), at: now, isSeen: false });
    },
    isExpected: ({ replica, kind }, now) =>
      kind === 'suspected' && current(now).some(({ replicas }) => replicas.has(replica)),

    look(runners, heldBy, now) {
      const crashes: Crash[] = [];
      for (const runner of runners) {
        const before = last.get(runner.id);
        const held = heldBy(runner.id);
        // What was started before this process had its restarts counted by an earlier one.
        const counted =
          before?.restarts ?? (held.some((replica) => replica.createdAt >= startedAt) ? 0 : runner.restarts);
        const died = runner.restarts - counted;
        if (died <= 0) continue;
        const deaths = died - excuse(runner.id, now);
        if (deaths <= 0) continue;
        const owner = held.find((replica) => replica.runnerKind === 'own');
        if (owner !== undefined) {
          for (let n = 0; n < Math.min(deaths, 10); n++)
            crashes.push({ id: newId(), deploymentId: owner.deploymentId, at: now, kind: 'death' });
          continue;
        }
        const loading = (before?.replicas ?? [])
          .filter((replica) => replica.state === 'loading')
          .map((replica) => replica.id);
        const suspects = held
          .filter((replica) => replica.readyAt === null && loading.includes(replica.id))
          .slice(0, suspectedLoads);
        for (const { deploymentId } of suspects)
          crashes.push({ id: newId(), deploymentId, at: now, kind: 'suspected' });
      }
      last = new Map(runners.map((runner) => [runner.id, runner]));
      return crashes;
    },
  };
}

/** What gateways told, as crashes; those of deployments that have ended are nobody's business any more. */
export function crashesOf(
  incidents: readonly Incident[],
  isKnown: (deploymentId: string) => boolean,
  newId: NewId,
  now: number,
): readonly Crash[] {
  return incidents
    .filter((incident) => isKnown(incident.deployment))
    .map((incident) => ({
      id: newId(),
      deploymentId: incident.deployment,
      at: Math.min(incident.at, now),
      kind: incident.kind,
    }));
}

/** How often each deployment crashed since `from`. */
export function countCrashes(crashes: readonly Crash[], from: number): ReadonlyMap<string, CrashCount> {
  const counts = new Map<string, { suspected: number; confirmed: number; death: number }>();
  for (const crash of crashes) {
    if (crash.at < from) continue;
    const count = counts.get(crash.deploymentId) ?? { suspected: 0, confirmed: 0, death: 0 };
    counts.set(crash.deploymentId, count);
    count[crash.kind] += 1;
  }
  return counts;
}
