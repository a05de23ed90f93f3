import { describe, expect, it } from 'vitest';
import { createIds } from './index.ts';

function idsAt(times: readonly number[]): string[] {
  let at = 0;
  const newId = createIds({ now: () => times[at++] ?? 0, after: () => () => undefined });
  return times.map(() => newId());
}

describe('identifiers', () => {
  it('are UUIDs of version 7 that begin with the time', () => {
    const [id = ''] = idsAt([0x0190_1234_5678]);
    expect(id).toMatch(/^01901234-5678-7000-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  });

  it('sort in the order in which they were made, also within a millisecond and while the clock goes back', () => {
    const times = Array.from(
      { length: 10_000 },
      (_, index) => 1_700_000_000_000 + Math.floor(index / 5000) - (index % 7 === 0 ? 3 : 0),
    );
    const ids = idsAt(times);
    expect(ids.toSorted()).toEqual(ids);
    expect(new Set(ids.map((id) => id.slice(0, 18))).size).toBe(ids.length);
  });

  it('have a random part of their own each', () => {
    const ids = idsAt(Array.from({ length: 5000 }, () => 1_700_000_000_000));
    expect(new Set(ids.map((id) => id.slice(19))).size).toBe(ids.length);
  });
});
