import { describe, expect, it } from 'vitest';
import type { ReplicaObservation, RunnerObservation } from '../runners/index.ts';
import { type HeldReplica, countCrashes, crashesOf, createCrashWatch } from './crash-watch.ts';

const runner = (restarts: number, replicas: readonly ReplicaObservation[] = []): RunnerObservation => ({
  id: 'r',
  state: 'running',
  pid: 1,
  address: '',
  startedAt: 0,
  restarts,
  rssBytes: null,
  cpuMicros: null,
  isolation: 'none',
  replicas,
});
const held = (id: string, more: Partial<HeldReplica> = {}): HeldReplica => ({
  id,
  deploymentId: `of-${id}`,
  runnerKind: 'pack',
  createdAt: 0,
  readyAt: null,
  ...more,
});
const newId = (): string => 'c';

describe('who was running when a runner died', () => {
  it('is the one in a runner of its own, once for each death', () => {
    const watch = createCrashWatch(newId, 100);
    const own = (): HeldReplica[] => [held('a', { runnerKind: 'own' })];
    watch.look([runner(3)], own, 100);
    expect(watch.look([runner(5)], own, 101)).toMatchObject([
      { deploymentId: 'of-a', kind: 'death', at: 101 },
      { kind: 'death' },
    ]);
    expect(watch.look([runner(5)], own, 102)).toEqual([]);
  });

  it('is nobody for deaths before this process, and the one that was placed since for its first deaths', () => {
    const old = createCrashWatch(newId, 100);
    expect(old.look([runner(9)], () => [held('a', { runnerKind: 'own', createdAt: 50 })], 100)).toEqual([]);
    const young = createCrashWatch(newId, 100);
    expect(young.look([runner(2)], () => [held('a', { runnerKind: 'own', createdAt: 150 })], 160)).toHaveLength(2);
  });

  it('is, in a pack, suspected of those that were loading, never of those that had answered', () => {
    const watch = createCrashWatch(newId, 0);
    const pack = (): HeldReplica[] => [held('a', { readyAt: 1 }), held('b'), held('c')];
    watch.look(
      [
        runner(0, [
          { id: 'a', state: 'loading' },
          { id: 'b', state: 'loading' },
          { id: 'c', state: 'waiting' },
        ]),
      ],
      pack,
      1,
    );
    expect(watch.look([runner(1)], pack, 2)).toMatchObject([{ deploymentId: 'of-b', kind: 'suspected' }]);
  });

  it('is nobody when a runner is killed on purpose: that death, and what gateways tell of it', () => {
    const watch = createCrashWatch(newId, 0);
    const own = (): HeldReplica[] => [held('a', { runnerKind: 'own' })];
    watch.look([runner(0)], own, 1);
    watch.expectDeath('r', own(), 2);
    expect(watch.look([runner(1)], own, 3)).toEqual([]);
    expect(watch.isExpected({ replica: 'a', kind: 'suspected' }, 3)).toBe(true);
    expect(watch.isExpected({ replica: 'a', kind: 'confirmed' }, 3)).toBe(false);
    expect(watch.isExpected({ replica: 'b', kind: 'suspected' }, 3)).toBe(false);
    // One death was announced, and not for ever.
    expect(watch.look([runner(2)], own, 4)).toHaveLength(1);
    watch.expectDeath('r', own(), 5);
    expect(watch.look([runner(3)], own, 20_000)).toHaveLength(1);
    expect(watch.isExpected({ replica: 'a', kind: 'suspected' }, 20_000)).toBe(false);
  });

  it('counts by deployment within the window, and drops what gateways tell of others', () => {
    const told = crashesOf(
      [
        { at: 10, deployment: 'd', replica: 'd.0', kind: 'confirmed' },
        { at: 99, deployment: 'gone', replica: 'x', kind: 'confirmed' },
      ],
      (id) => id === 'd',
      newId,
      50,
    );
    expect(told).toHaveLength(1);
    expect(countCrashes(told, 5).get('d')).toEqual({ suspected: 0, confirmed: 1, death: 0 });
    expect(countCrashes(told, 11).get('d')).toBeUndefined();
  });
});
