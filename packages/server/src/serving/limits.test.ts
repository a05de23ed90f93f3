import { MusterError } from '@muster-ml/protocol';
import { describe, expect, test } from 'vitest';
import type { CallLimit } from '../identity/index.ts';
import { type TableLimits, createTableLimits } from './limits.ts';

const day = Date.UTC(2026, 10, 30);
const dayMs = 86_400_000;

function aLimit(overrides: Partial<CallLimit> = {}): CallLimit {
  return { endpoint: 'e', actor: 'ana', ratePerSecond: null, requestsPerDay: null, ...overrides };
}

function someLimits(...held: readonly CallLimit[]): {
  readonly limits: TableLimits;
  readonly state: { nowMs: number };
  /** Calls, and answers what it gave: `in`, or the code and the seconds to wait. */
  readonly call: (actor?: string, endpoint?: string) => string;
} {
  const state = { nowMs: day };
  const limits = createTableLimits({ now: () => state.nowMs, after: () => () => undefined });
  limits.apply(held, undefined);
  const call = (actor = 'ana', endpoint = 'e'): string => {
    try {
      limits.admit(endpoint, actor);
      return 'in';
    } catch (error) {
      if (!(error instanceof MusterError)) throw error;
      return `${error.code} ${Math.ceil(error.retryAfterSeconds ?? 0)}`;
    }
  };
  return { limits, state, call };
}

function times<T>(count: number, one: () => T): T[] {
  return Array.from({ length: count }, () => one());
}

describe('a rate', () => {
  test('lets in one second’s worth at once, and then as they come', () => {
    const { call, state } = someLimits(aLimit({ ratePerSecond: 3 }));
    expect(times(4, call)).toEqual(['in', 'in', 'in', 'rate_limited 1']);
    state.nowMs += 334;
    expect(times(2, call)).toEqual(['in', 'rate_limited 1']);
    state.nowMs += 60_000;
    expect(times(4, call)).toEqual(['in', 'in', 'in', 'rate_limited 1']);
  });

  test('below one a second lets in one at a time, and says how long to wait', () => {
    const { call, state } = someLimits(aLimit({ ratePerSecond: 0.1 }));
    expect(times(2, call)).toEqual(['in', 'rate_limited 10']);
    state.nowMs += 9_000;
    expect(call()).toBe('rate_limited 1');
    state.nowMs += 1_000;
    expect(call()).toBe('in');
  });

  test('is each actor’s own at each endpoint, and whoever has none is not limited', () => {
    const { call } = someLimits(
      aLimit({ ratePerSecond: 1 }),
      aLimit({ actor: 'ben', ratePerSecond: 1 }),
      aLimit({ endpoint: 'f', ratePerSecond: 1 }),
    );
    expect([call(), call(), call('ben'), call('ana', 'f')]).toEqual(['in', 'rate_limited 1', 'in', 'in']);
    expect(times(100, () => call('cem'))).not.toContain('rate_limited 1');
    expect(times(100, () => call('ana', 'g'))).not.toContain('rate_limited 1');
  });

  test('gets nothing back by a new table, nor by a clock that is set back', () => {
    const { call, limits, state } = someLimits(aLimit({ ratePerSecond: 1 }));
    expect(call()).toBe('in');
    limits.apply([aLimit({ ratePerSecond: 1 })], []);
    state.nowMs -= 3_600_000;
    expect(call()).toBe('rate_limited 1');
    state.nowMs += 1000;
    expect(call()).toBe('in');
  });
});

describe('a quota', () => {
  test('ends the day of its actor, until midnight UTC', () => {
    const { call, state } = someLimits(aLimit({ requestsPerDay: 2 }));
    state.nowMs = day + dayMs - 5_000;
    expect(times(3, call)).toEqual(['in', 'in', 'quota_exceeded 5']);
    state.nowMs = day + dayMs;
    expect(times(3, call)).toEqual(['in', 'in', `quota_exceeded ${dayMs / 1000}`]);
  });

  test('counts what other gateways let in, as control tells', () => {
    const { call, limits } = someLimits(aLimit({ requestsPerDay: 10 }));
    expect(times(3, call)).toEqual(['in', 'in', 'in']);
    expect(limits.take(100)).toEqual([{ endpoint: 'e', actor: 'ana', day, requests: 3 }]);
    expect(call()).toBe('in');
    // 3 of ours and 4 of another gateway’s; one of ours is not told yet.
    limits.told([{ endpoint: 'e', actor: 'ana', day, requests: 7 }]);
    expect(times(3, call)).toEqual(['in', 'in', expect.stringContaining('quota_exceeded')]);
  });

  test('is not given twice while a report is under way', () => {
    const { call, limits } = someLimits(aLimit({ requestsPerDay: 2 }));
    expect(times(2, call)).toEqual(['in', 'in']);
    limits.take(100);
    expect(call()).toContain('quota_exceeded');
  });

  test('begins where the table says that the day is, after a restart', () => {
    const { call, limits } = someLimits();
    limits.apply([aLimit({ requestsPerDay: 5 })], [{ endpoint: 'e', actor: 'ana', day, requests: 4 }]);
    expect(times(2, call)).toEqual(['in', expect.stringContaining('quota_exceeded')]);
  });

  test('does not take yesterday’s use for today’s, nor an older figure for a newer', () => {
    const { call, limits } = someLimits(aLimit({ requestsPerDay: 1 }));
    const yesterday = [{ endpoint: 'e', actor: 'ana', day: day - dayMs, requests: 1 }];
    limits.apply([aLimit({ requestsPerDay: 1 })], yesterday);
    expect(call()).toBe('in');
    limits.take(100);
    limits.told([{ endpoint: 'e', actor: 'ana', day, requests: 1 }]);
    limits.apply([aLimit({ requestsPerDay: 1 })], [{ endpoint: 'e', actor: 'ana', day, requests: 0 }]);
    expect(call()).toContain('quota_exceeded');
  });

  test('that refused asks control how much is used, in case it is more now', () => {
    const { call, limits } = someLimits(aLimit({ requestsPerDay: 1 }));
    times(2, call);
    limits.take(100);
    limits.told([]);
    expect(limits.take(100)).toEqual([]);
    call();
    expect(limits.take(100)).toEqual([{ endpoint: 'e', actor: 'ana', day, requests: 0 }]);
  });

  test('is not used up by calls that the rate refused', () => {
    const { call, state } = someLimits(aLimit({ ratePerSecond: 1, requestsPerDay: 2 }));
    expect(times(5, call).filter((one) => one === 'in')).toHaveLength(1);
    state.nowMs += 1000;
    expect(call()).toBe('in');
  });
});

test('memory is bounded by the table: what it does not limit is forgotten', () => {
  const { call, limits } = someLimits(aLimit({ requestsPerDay: 1 }));
  call();
  limits.apply([], []);
  expect(limits.take(100)).toEqual([]);
  expect(times(5, call)).toEqual(['in', 'in', 'in', 'in', 'in']);
});

test('a report names at most so many quotas; the others come with the next', () => {
  const held = times(5, () => 0).map((_, index) => aLimit({ actor: `a${index}`, requestsPerDay: 9 }));
  const { call, limits } = someLimits(...held);
  for (const { actor } of held) call(actor);
  const told = [limits.take(3), limits.take(3), limits.take(3)].map((quotas) => quotas.map(({ actor }) => actor));
  expect(told).toEqual([['a0', 'a1', 'a2'], ['a3', 'a4'], []]);
});
