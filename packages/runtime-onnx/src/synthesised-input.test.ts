import { describe, expect, test } from 'vitest';
import type { Port } from './ports.ts';
import { describeRecipe, recipes, synthesiseInputs } from './synthesised-input.ts';

const shapesOf = (
  ports: readonly Port[],
  recipe: Parameters<typeof synthesiseInputs>[1],
): (readonly number[])[] | undefined => synthesiseInputs(ports, recipe)?.map(({ shape }) => shape);

describe('a made input', () => {
  const image: Port = { name: 'x', datatype: 'FP32', shape: [-1, 3, -1, -1] };
  const state: Port = { name: 'h', datatype: 'FP32', shape: [2, -1, 128] };

  test('has the fixed sizes of the model, and the sizes of the recipe where it is free', () => {
    expect(shapesOf([image], { fill: 0, batch: 1, size: 32 })).toEqual([[1, 3, 32, 32]]);
    expect(shapesOf([state], { fill: 0, batch: 1, size: 32 })).toEqual([[2, 32, 128]]);
    expect(shapesOf([state], { fill: 0, batch: 1, size: 32, middle: 1 })).toEqual([[2, 1, 128]]);
    expect(shapesOf([{ name: 's', datatype: 'INT64', shape: [] }], { fill: 1, batch: 2, size: 2 })).toEqual([[]]);
  });

  test('is never large', () => {
    expect(
      synthesiseInputs([{ name: 'x', datatype: 'FP32', shape: [-1, -1, -1, -1] }], { fill: 0, batch: 1, size: 512 }),
    ).toBeUndefined();
  });

  test('begins with one row of zeros, and every recipe is another', () => {
    expect(recipes[0]).toEqual({ fill: 0, batch: 1, size: 1 });
    expect(new Set(recipes.map((recipe) => JSON.stringify(recipe))).size).toBe(recipes.length);
    expect(describeRecipe({ fill: 1, batch: 2, size: 2 })).toBe(
      'a made input: all ones, 2 rows, variable dimensions 2',
    );
  });
});
