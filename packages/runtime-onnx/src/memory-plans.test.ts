import { expect, test } from 'vitest';
import { plansMemory } from './memory-plans.ts';
import type { ValueType } from './outline.ts';

const field = { start: 0, end: 0 };
const plans = (...shapes: (readonly number[] | undefined)[]): boolean =>
  plansMemory({
    inputs: shapes.map((shape, index) => {
      const type: ValueType = { kind: 'tensor', element: 1, ...(shape === undefined ? {} : { shape }) };
      return { name: `x${index}`, type, field };
    }),
  });

test('memory is planned where nothing but the rows and the size of pictures may vary', () => {
  for (const shapes of [[[-1, 30]], [[4]], [[]], [[-1, 3, -1, -1]], [[-1, 30], [-1]], []])
    expect(plans(...shapes), JSON.stringify(shapes)).toBe(true);
});

test('memory is not planned where each text may have its own length, or nothing is known', () => {
  for (const shapes of [
    [[-1, -1]],
    [[-1, 8, -1]],
    [
      [-1, 30],
      [-1, -1],
    ],
    [undefined],
  ])
    expect(plans(...shapes), JSON.stringify(shapes)).toBe(false);
  expect(plansMemory({ inputs: [{ name: 'x', type: { kind: 'sequence' }, field }] })).toBe(false);
});
