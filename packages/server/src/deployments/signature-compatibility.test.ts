import type { Signature, TensorSpec } from '@muster-ml/protocol';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { breakingDifferences, compareSignatures } from './signature-compatibility.ts';

const input: TensorSpec = { name: 'x', datatype: 'FP32', shape: [-1, 4] };
const output: TensorSpec = { name: 'y', datatype: 'FP32', shape: [-1, 2] };
const live: Signature = { inputs: [input], outputs: [output], features: ['a', 'b', 'c', 'd'], labels: ['no', 'yes'] };

const breaking: readonly [string, Partial<Signature>][] = [
  ['an input is renamed', { inputs: [{ ...input, name: 'z' }] }],
  ['a required input is new', { inputs: [input, { ...input, name: 'z' }] }],
  ['an input takes another datatype', { inputs: [{ ...input, datatype: 'FP64' }] }],
  ['an input takes fewer rows', { inputs: [{ ...input, shape: [1, 4] }] }],
  ['an input has another width', { inputs: [{ ...input, shape: [-1, 5] }] }],
  ['an input has another rank', { inputs: [{ ...input, shape: [-1, 4, 1] }] }],
  ['the features are in another order', { features: ['b', 'a', 'c', 'd'] }],
  ['a feature is renamed', { features: ['a', 'b', 'c', 'e'] }],
  ['a feature is new', { inputs: [{ ...input, shape: [-1, 5] }], features: ['a', 'b', 'c', 'd', 'e'] }],
  ['the features lose their names', { features: undefined }],
  [
    'a matrix gets a second input, so that rows lose their columns',
    { inputs: [input, { ...input, name: 'z', optional: true }] },
  ],
  ['a matrix may have any width, so that rows lose their columns', { inputs: [{ ...input, shape: [-1, -1] }] }],
  ['an output is gone', { outputs: [{ ...output, name: 'z' }] }],
  ['an output is of another datatype', { outputs: [{ ...output, datatype: 'INT64' }] }],
  ['an output has another rank', { outputs: [{ ...output, shape: [-1] }] }],
  ['an output may have any width', { outputs: [{ ...output, shape: [-1, -1] }] }],
  ['an output changes its place', { outputs: [{ ...output, name: 'z' }, output] }],
  ['the labels change their order', { labels: ['yes', 'no'] }],
  ['a label is new', { labels: ['no', 'yes', 'perhaps'] }],
  ['the classes lose their labels', { labels: undefined }],
];

/** Not a matrix: rows have a column for each input. */
const image: TensorSpec = { name: 'x', datatype: 'FP32', shape: [-1, 8, 8] };
const other: TensorSpec = { name: 'z', datatype: 'FP32', shape: [-1, 4], optional: true };

const compatible: readonly [string, Partial<Signature>][] = [
  ['nothing changes', {}],
  ['an optional input is new', { inputs: [image, other] }],
  ['the inputs are in another order', { inputs: [other, image] }],
  ['an input may be left out now', { inputs: [{ ...image, optional: true }] }],
  ['an input takes any size', { inputs: [{ ...image, shape: [-1, -1, -1] }] }],
  ['an output is new behind the others', { outputs: [output, { ...output, name: 'z' }] }],
];

describe("the caller's contract", () => {
  it.each(breaking)('is broken when %s', (_what, change) => {
    expect(breakingDifferences(live, { ...live, ...change })).not.toEqual([]);
  });

  it.each(compatible)('holds when %s', (_what, change) => {
    const tensor: Signature = { inputs: [image], outputs: [output], labels: ['no', 'yes'] };
    expect(breakingDifferences(tensor, { ...tensor, ...change })).toEqual([]);
  });

  it('holds when an output becomes narrower, and an input that could be left out may not become required', () => {
    const wide = { ...live, outputs: [{ ...output, shape: [-1, -1] }] };
    expect(breakingDifferences(wide, live)).toEqual([]);
    expect(breakingDifferences({ ...live, inputs: [{ ...input, optional: true }] }, live)).toMatchObject([
      { name: 'x', change: 'may no longer be left out' },
    ]);
  });

  it('holds when the columns of a matrix are given the names that they went by', () => {
    const unnamed = { ...live, features: undefined };
    expect(compareSignatures(unnamed, { ...live, features: ['f0', 'f1', 'f2', 'f3'] })).toEqual([]);
    expect(breakingDifferences(unnamed, live)).toMatchObject([{ change: 'without f0, f1, f2, f3, with a, b, c, d' }]);
  });

  it('names at most a few of many features', () => {
    const many = Array.from({ length: 1000 }, (_, index) => `f${index}`);
    const wide = { ...live, inputs: [{ ...input, shape: [-1, 1000] }], features: many };
    const difference = compareSignatures(wide, live).find(({ part }) => part === 'features');
    expect(difference?.change).toBe('without f0, f1, f2, f3, f4 and 995 more, with a, b, c, d');
  });

  const spec = fc.record({
    name: fc.constantFrom('a', 'b', 'c'),
    datatype: fc.constantFrom('FP32', 'INT64', 'BYTES'),
    shape: fc.array(fc.constantFrom(-1, 1, 2), { maxLength: 3 }),
    optional: fc.boolean(),
  });
  const specs = fc.uniqueArray(spec, { selector: ({ name }) => name, minLength: 1, maxLength: 3 });
  const signature: fc.Arbitrary<Signature> = fc.record({
    inputs: specs,
    outputs: specs,
    labels: fc.option(fc.array(fc.constantFrom('p', 'q'), { maxLength: 2 }), { nil: undefined }),
  });

  it('lets an input take missing values from now on, but not refuse them', () => {
    const column: Signature = { inputs: [{ ...input, shape: [-1] }], outputs: [output] };
    const nullable: Signature = { inputs: [{ ...input, shape: [-1], nullable: true }], outputs: [output] };
    expect(compareSignatures(column, nullable)).toEqual([
      { part: 'input', name: 'x', change: 'may now have missing values', isBreaking: false },
    ]);
    expect(breakingDifferences(nullable, column)).toMatchObject([{ change: 'may no longer have missing values' }]);
  });

  it('holds between runtimes: which output is the primary one is no matter of it', () => {
    expect(compareSignatures(live, { ...live, primary: 'y' })).toEqual([]);
  });

  it('is no different from itself, and differs from every signature that is not the same', () => {
    fc.assert(
      fc.property(signature, signature, (a, b) => {
        expect(compareSignatures(a, a)).toEqual([]);
        const sorted = (one: Signature) =>
          JSON.stringify({
            ...one,
            inputs: one.inputs
              .map((each) => ({ ...each, optional: each.optional === true }))
              .toSorted((x, y) => (x.name < y.name ? -1 : 1)),
          });
        const outputsOf = (one: Signature) =>
          JSON.stringify(one.outputs.map(({ name, datatype, shape }) => [name, datatype, shape]));
        const isSame = sorted({ ...a, outputs: [] }) === sorted({ ...b, outputs: [] }) && outputsOf(a) === outputsOf(b);
        expect(compareSignatures(a, b).length === 0).toBe(isSame);
      }),
    );
  });

  /** A signature, and one that was made from it by changing an input or adding one, as people do. */
  const revision = fc
    .tuple(signature, spec, fc.nat({ max: 2 }), fc.constantFrom('widen', 'free', 'narrow', 'swap'))
    .map(([a, extra, at, how]): readonly [Signature, Signature] => {
      const inputs = a.inputs.map((old, index) => {
        if (index !== at % a.inputs.length) return old;
        if (how === 'free') return { ...old, optional: true };
        return { ...old, shape: old.shape.map((size) => (how === 'widen' ? -1 : how === 'narrow' ? 1 : size)) };
      });
      const isNew = how === 'swap' && !inputs.some(({ name }) => name === extra.name);
      return [a, { ...a, inputs: isNew ? [extra, ...inputs] : inputs }];
    });

  it('means that whatever callers of the live one sent fits the new one', () => {
    fc.assert(
      fc.property(
        revision,
        fc.array(fc.integer({ min: 1, max: 3 }), { minLength: 3, maxLength: 3 }),
        fc.array(fc.boolean(), { minLength: 3, maxLength: 3 }),
        ([a, b], sizes, leftOut) => {
          fc.pre(breakingDifferences(a, b).length === 0);
          const sent = a.inputs
            .filter(({ optional }, index) => !(optional === true && leftOut[index] === true))
            .map(({ name, datatype, shape }) => ({
              name,
              datatype,
              shape: shape.map((size, axis) => (size === -1 ? (sizes[axis] ?? 1) : size)),
            }));
          for (const tensor of sent) {
            const takes = b.inputs.find(({ name }) => name === tensor.name);
            expect(takes?.datatype).toBe(tensor.datatype);
            expect(takes?.shape.length).toBe(tensor.shape.length);
            for (const [axis, size] of (takes?.shape ?? []).entries()) expect([-1, tensor.shape[axis]]).toContain(size);
          }
          const names = new Set(sent.map(({ name }) => name));
          expect(b.inputs.filter(({ name, optional }) => optional !== true && !names.has(name))).toEqual([]);
        },
      ),
    );
  });
});
