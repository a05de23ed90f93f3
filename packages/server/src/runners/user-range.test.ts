import fc from 'fast-check';
import { expect, test } from 'vitest';
import { freeUserBlock } from './user-range.ts';

test('a block of users holds nobody that is known, and none is of people or of services', () => {
  const chance = fc.double({ min: 0, max: 0.999, noNaN: true });
  fc.assert(
    fc.property(fc.uniqueArray(fc.integer({ min: 60_500, max: 61_200 })), chance, (taken, random) => {
      const first = freeUserBlock(new Set(taken), () => random);
      if (first === null) return;
      expect(first).toBeGreaterThanOrEqual(60_578);
      expect(first + 99).toBeLessThanOrEqual(61_183);
      expect(taken.filter((uid) => uid >= first && uid < first + 100)).toEqual([]);
    }),
  );
});

test('where every block has somebody, there is none to take', () => {
  const everywhere = new Set(Array.from({ length: 700 }, (_, index) => 60_550 + index));
  expect(freeUserBlock(everywhere)).toBeNull();
});
