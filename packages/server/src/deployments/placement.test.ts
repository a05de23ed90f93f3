import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type PlacedDeployment, type Placement, type PlacementChange, placeReplicas } from './placement.ts';

const limits = { packReplicas: 5, packBytes: 1000 };
const usable = (): boolean => true;
const small = (id: string, more: Partial<PlacedDeployment> = {}): PlacedDeployment => ({
  id,
  team: 'a',
  replicas: 1,
  isOwn: false,
  bytes: 10,
  nextReplica: 0,
  ...more,
});

function applied(placements: readonly Placement[], change: PlacementChange): Placement[] {
  const leaving = new Set(change.leaving);
  return [
    ...placements.map((placement) => (leaving.has(placement.id) ? { ...placement, isLeaving: true } : placement)),
    ...change.added,
  ];
}

function withNext(deployments: readonly PlacedDeployment[], placements: readonly Placement[]): PlacedDeployment[] {
  return deployments.map((deployment) => ({
    ...deployment,
    nextReplica: placements.filter((placement) => placement.deployment === deployment.id).length,
  }));
}

describe('placement', () => {
  it('puts a thousand small models of one team into one runner', () => {
    const deployments = Array.from({ length: 1000 }, (_, index) => small(`d${index}`));
    const { added } = placeReplicas(deployments, [], usable);
    expect(new Set(added.map(({ runner }) => runner)).size).toBe(1);
    expect(added).toHaveLength(1000);
  });

  it('opens another pack by count and by bytes', () => {
    const runners = (deployments: PlacedDeployment[]): number =>
      new Set(placeReplicas(deployments, [], usable, limits).added.map(({ runner }) => runner)).size;
    expect(runners(Array.from({ length: 6 }, (_, index) => small(`d${index}`)))).toBe(2);
    expect(runners([small('d1', { bytes: 600 }), small('d2', { bytes: 600 })])).toBe(2);
  });

  it('puts nothing into a runner that could not be started', () => {
    const first = placeReplicas([small('d1')], [], usable, limits).added;
    const second = placeReplicas([small('d1', { nextReplica: 1 }), small('d2')], first, () => false, limits).added;
    expect(second).toMatchObject([{ deployment: 'd2', runner: 'd2.0' }]);
  });

  it('moves what needs a runner of its own out of its pack, by adding before it lets go', () => {
    const first = placeReplicas([small('d1'), small('d2')], [], usable, limits).added;
    const change = placeReplicas(
      [small('d1', { nextReplica: 1, isOwn: true }), small('d2', { nextReplica: 1 })],
      first,
      usable,
      limits,
    );
    expect(change).toEqual({
      leaving: ['d1.0'],
      added: [{ id: 'd1.1', deployment: 'd1', runner: 'd1.1', runnerKind: 'own', isLeaving: false }],
    });
  });

  const deployment = fc.record({
    team: fc.constantFrom('a', 'b'),
    replicas: fc.integer({ min: 0, max: 3 }),
    isOwn: fc.boolean(),
    bytes: fc.integer({ min: 1, max: 900 }),
  });
  const fleet = fc
    .array(deployment, { maxLength: 12 })
    .map((some) => some.map((each, index): PlacedDeployment => ({ ...each, id: `d${index}`, nextReplica: 0 })));
  /** A fleet, and the same after wishes have changed: some need their own runner now, some more or fewer replicas. */
  const history = fc.tuple(
    fleet,
    fc.array(fc.record({ isOwn: fc.boolean(), replicas: fc.integer({ min: 0, max: 3 }) }), {
      minLength: 12,
      maxLength: 12,
    }),
  );

  it('never mixes teams, spreads the replicas of a deployment, keeps the bounds, and gives every deployment what it needs', () => {
    fc.assert(
      fc.property(history, ([before, changes]) => {
        const first = applied([], placeReplicas(before, [], usable, limits));
        const after = withNext(before, first).map((each, index) => ({
          ...each,
          replicas: changes[index]?.replicas ?? 0,
          isOwn: each.isOwn || (changes[index]?.isOwn ?? false),
        }));
        const second = applied(first, placeReplicas(after, first, usable, limits));
        expect(new Set(second.map(({ id }) => id)).size).toBe(second.length);
        const byId = new Map(after.map((each) => [each.id, each]));
        for (const [, held] of Map.groupBy(second, ({ runner }) => runner)) {
          expect(new Set(held.map((each) => byId.get(each.deployment)?.team)).size).toBe(1);
          expect(new Set(held.map((each) => each.deployment)).size).toBe(held.length);
          if (held.some(({ runnerKind }) => runnerKind === 'own')) expect(held).toHaveLength(1);
          expect(held.length).toBeLessThanOrEqual(limits.packReplicas);
          expect(
            held.length === 1 ||
              held.reduce((sum, each) => sum + (byId.get(each.deployment)?.bytes ?? 0), 0) <= limits.packBytes,
          ).toBe(true);
        }
        for (const each of after) {
          const staying = second.filter((placement) => placement.deployment === each.id && !placement.isLeaving);
          expect(staying.length).toBeGreaterThanOrEqual(each.replicas);
          if (each.isOwn) expect(staying.every(({ runnerKind }) => runnerKind === 'own')).toBe(true);
        }
      }),
    );
  });

  it('is stable: what is placed stays where it is, and a second look changes nothing', () => {
    fc.assert(
      fc.property(history, ([before, changes]) => {
        const first = applied([], placeReplicas(before, [], usable, limits));
        const same = withNext(before, first);
        expect(placeReplicas(same, first, usable, limits)).toEqual({ added: [], leaving: [] });
        const grown = same.map((each, index) => ({
          ...each,
          replicas: Math.max(each.replicas, changes[index]?.replicas ?? 0),
        }));
        const { leaving } = placeReplicas(grown, first, usable, limits);
        expect(leaving).toEqual([]);
      }),
    );
  });
});
