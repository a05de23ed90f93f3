import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type ReplicaView, type RunnerView, limitsKeyOf, planRunners, replicaKeyOf } from './plan-runners.ts';
import type { ReplicaWish, RunnerWish } from './runtime-host.ts';

const limits = { parallelStarts: 2, parallelLoads: 2 };
const options = {
  intraOpThreads: 1,
  memoryArena: false,
  executionProviders: ['cpu'],
  graphOptimization: 'all',
} as const;

function replica(id: string, digest = 'd'): ReplicaWish {
  return { id, file: `/objects/${digest}`, digest, options };
}

function wish(id: string, replicas: readonly ReplicaWish[], memoryBytes?: number): RunnerWish {
  return { id, runtime: 'onnx', team: 'default', kind: 'pack', limits: { memoryBytes }, replicas };
}

function view(
  of: RunnerWish,
  phase: RunnerView['phase'],
  replicas: readonly Partial<ReplicaView>[] = [],
  retryAt = 0,
): RunnerView {
  return {
    id: of.id,
    phase,
    limitsKey: limitsKeyOf(of),
    retryAt,
    replicas: replicas.map((each, index) => ({
      id: `r${index}`,
      key: replicaKeyOf(replica('any')),
      phase: 'ready',
      crashes: 0,
      ...each,
    })),
  };
}

function kinds(wishes: readonly RunnerWish[], views: readonly RunnerView[], now = 1_000): string[] {
  return planRunners(wishes, views, now, limits).actions.map(
    (action) =>
      `${action.kind} ${action.kind === 'start' ? action.wish.id : action.runner}${'replica' in action ? ` ${typeof action.replica === 'string' ? action.replica : action.replica.id}` : ''}`,
  );
}

const three = wish('a', [replica('r0'), replica('r1'), replica('r2')]);

describe('runners', () => {
  test('what is wished and not there is started, so many at a time', () => {
    expect(kinds([three, wish('b', [replica('x')]), wish('c', [replica('y')])], [])).toEqual(['start a', 'start b']);
    expect(
      kinds([three, wish('b', [replica('x')])], [view(three, 'starting'), view(wish('z', [replica('q')]), 'starting')]),
    ).toEqual(['stop z']);
  });

  test('a pack that holds nothing is not started, and ends', () => {
    expect(kinds([wish('a', [])], [])).toEqual([]);
    expect(kinds([wish('a', [])], [view(wish('a', []), 'running')])).toEqual(['stop a']);
    expect(kinds([wish('a', [])], [view(wish('a', []), 'down')])).toEqual(['forget a']);
  });

  test('other limits need another process', () => {
    expect(kinds([wish('a', [replica('r0')], 64)], [view(three, 'running')])).toEqual(['stop a']);
    expect(kinds([wish('a', [replica('r0')], 64)], [view(three, 'stopping')])).toEqual([]);
    expect(kinds([wish('a', [replica('r0')], 64)], [view(three, 'down', [], 9_999)])).toEqual(['start a']);
  });

  test('what is still being prepared keeps nobody from starting, and ends where it is not wished any more', () => {
    const python = { ...wish('p', [replica('r0')]), runtime: 'python' } as const;
    const waiting = ['x', 'y', 'z'].map((id) => ({ ...view(python, 'preparing'), id }));
    expect(kinds([three, ...waiting.map(({ id }) => ({ ...python, id }))], waiting)).toEqual(['start a']);
    expect(kinds([], waiting.slice(0, 1))).toEqual(['stop x']);
  });

  test('another environment, or other threads, need another process; of ONNX models they say nothing', () => {
    const environment = { python: '3.11', requirements: ['numpy==2.4.6'] };
    const python: RunnerWish = { ...three, runtime: 'python', environment, threads: 1 };
    for (const change of [
      { threads: 2 },
      { isBackground: true },
      { environment: { ...environment, python: '3.12' } },
    ]) {
      expect(kinds([{ ...python, ...change }], [view(python, 'running')])).toEqual(['stop a']);
      expect(limitsKeyOf({ ...three, ...change })).toBe(limitsKeyOf(three));
    }
  });

  test('a crashed runner waits for its pause, and the plan says until when', () => {
    const plan = planRunners([three], [view(three, 'down', [], 1_500)], 1_000, limits);
    expect(plan).toEqual({ actions: [], wakeAt: 1_500 });
    expect(kinds([three], [view(three, 'down', [], 1_500)], 1_500)).toEqual(['start a']);
  });
});

describe('replicas', () => {
  test('so many load at a time', () => {
    expect(kinds([three], [view(three, 'running')])).toEqual(['load a r0', 'load a r1']);
    expect(kinds([three], [view(three, 'running', [{ phase: 'loading' }])])).toEqual(['load a r1']);
  });

  test('another content or other options are another replica: out first, then in', () => {
    const changed = wish('a', [replica('r0', 'other')]);
    expect(kinds([changed], [view(changed, 'running', [{}])])).toEqual(['unload a r0']);
    expect(kinds([changed], [view(changed, 'running', [{ phase: 'unloading' }])])).toEqual([]);
    expect(kinds([changed], [view(changed, 'running')])).toEqual(['load a r0']);
  });

  test('a failed one stays failed until its wish changes', () => {
    expect(kinds([wish('a', [replica('r0')])], [view(three, 'running', [{ phase: 'failed' }])])).toEqual([]);
  });

  test('one whose load killed the runner comes after the others and alone, and is given up the second time', () => {
    const suspect = { phase: 'waiting', crashes: 1 } as const;
    expect(kinds([three], [view(three, 'running', [suspect])])).toEqual(['load a r1', 'load a r2']);
    expect(kinds([three], [view(three, 'running', [suspect, {}, { phase: 'loading' }])])).toEqual([]);
    expect(kinds([three], [view(three, 'running', [suspect, {}, {}])])).toEqual(['load a r0']);
    expect(kinds([three], [view(three, 'running', [{ phase: 'loading', crashes: 1 }, {}])])).toEqual([]);
    expect(kinds([three], [view(three, 'running', [{ phase: 'waiting', crashes: 2 }, {}, {}])])).toEqual([
      'giveUp a r0',
    ]);
  });
});

/** Does at once what a plan asks for, as a machine on which nothing fails. */
function carryOut(wishes: readonly RunnerWish[], views: readonly RunnerView[], now: number): RunnerView[] {
  const state = new Map(views.map((each) => [each.id, { ...each, replicas: [...each.replicas] }]));
  for (const action of planRunners(wishes, views, now, limits).actions) {
    const id = action.kind === 'start' ? action.wish.id : action.runner;
    const found = state.get(id) ?? { id, phase: 'down' as const, limitsKey: '', retryAt: 0, replicas: [] };
    if (action.kind === 'start') state.set(id, { ...found, phase: 'running', limitsKey: limitsKeyOf(action.wish) });
    if (action.kind === 'stop') state.set(id, { ...found, phase: 'down', replicas: [] });
    if (action.kind === 'forget') state.delete(id);
    if (action.kind === 'unload')
      state.set(id, { ...found, replicas: found.replicas.filter((each) => each.id !== action.replica) });
    if (action.kind === 'load' || action.kind === 'giveUp') {
      const phase = action.kind === 'load' ? ('ready' as const) : ('failed' as const);
      const others = found.replicas.filter((each) => each.id !== action.replica.id);
      state.set(id, {
        ...found,
        replicas: [...others, { id: action.replica.id, key: replicaKeyOf(action.replica), phase, crashes: 0 }],
      });
    }
  }
  return [...state.values()];
}

const anyWishes = fc.uniqueArray(
  fc.record({
    id: fc.constantFrom('a', 'b', 'c', 'd', 'e'),
    memory: fc.constantFrom(undefined, 64, 128),
    replicas: fc.uniqueArray(
      fc.record({ id: fc.constantFrom('r0', 'r1', 'r2', 'r3'), digest: fc.constantFrom('d', 'e') }),
      { selector: ({ id }) => id, maxLength: 4 },
    ),
  }),
  { selector: ({ id }) => id, maxLength: 5 },
);
const anyViews = fc.uniqueArray(
  fc.record({
    id: fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f'),
    phase: fc.constantFrom('down' as const, 'running' as const),
    memory: fc.constantFrom(undefined, 64),
    replicas: fc.array(
      fc.record({
        phase: fc.constantFrom('waiting' as const, 'ready' as const, 'unready' as const),
        crashes: fc.integer({ min: 0, max: 3 }),
      }),
      { maxLength: 4 },
    ),
  }),
  { selector: ({ id }) => id, maxLength: 6 },
);

test('from any state to any wishes the plan converges, and then has nothing more to do', () => {
  fc.assert(
    fc.property(anyWishes, anyViews, (wishData, viewData) => {
      const wishes = wishData.map((each) =>
        wish(
          each.id,
          each.replicas.map(({ id, digest }) => replica(id, digest)),
          each.memory,
        ),
      );
      let views: RunnerView[] = viewData.map((each) =>
        view(wish(each.id, [], each.memory), each.phase, each.replicas, 500),
      );
      for (let round = 0; round < 40; round += 1) views = carryOut(wishes, views, 1_000);
      expect(planRunners(wishes, views, 1_000, limits).actions).toEqual([]);
      const held = (list: readonly { id: string; replicas: readonly { id: string }[] }[]): string[] =>
        list.flatMap((each) => each.replicas.map(({ id }) => `${each.id}/${id}`)).toSorted();
      expect(held(views)).toEqual(held(wishes));
    }),
  );
});
