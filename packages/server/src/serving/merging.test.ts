import { type Tensor, noParameters } from '@muster-ml/protocol';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { mergeInputs, mergeKey, orderOutputs, signatureAccepts, splitOutputs } from './merging.ts';

/** A BYTES element: its length and its bytes. */
function element(text: string): Uint8Array {
  const bytes = new TextEncoder().encode(text);
  const packed = new Uint8Array(4 + bytes.length);
  new DataView(packed.buffer).setUint32(0, bytes.length, true);
  packed.set(bytes, 4);
  return packed;
}

const joined = (parts: readonly Uint8Array[]): Uint8Array => new Uint8Array(Buffer.concat(parts));

/** One request: rows of two 16-bit numbers, and as many texts. */
const requests = fc.array(
  fc
    .array(fc.record({ pair: fc.uint8Array({ minLength: 4, maxLength: 4 }), text: fc.string({ maxLength: 5 }) }), {
      minLength: 1,
      maxLength: 5,
    })
    .map((rows) => ({
      rows: rows.length,
      inputs: [
        { name: 'pairs', datatype: 'INT16', shape: [rows.length, 2], bytes: joined(rows.map((row) => row.pair)) },
        { name: 'texts', datatype: 'BYTES', shape: [rows.length], bytes: joined(rows.map((row) => element(row.text))) },
      ] satisfies Tensor[],
    })),
  { minLength: 1, maxLength: 8 },
);

describe('merging', () => {
  test('and splitting give every request its own rows back, in order, whatever the types', () => {
    fc.assert(
      fc.property(requests, (batch) => {
        const { headers, payload } = mergeInputs(batch);
        const whole = joined(payload);
        let at = 0;
        const outputs = headers.map(({ name, datatype, shape, size }): Tensor => {
          const bytes = whole.subarray(at, at + size);
          at += size;
          return { name, datatype, shape, bytes };
        });
        expect(at).toBe(whole.length);
        const parts = splitOutputs(
          outputs,
          batch.map((request) => request.rows),
        );
        expect(parts?.map((part) => part.map((tensor) => ({ ...tensor, bytes: [...tensor.bytes] })))).toEqual(
          batch.map((request) => request.inputs.map((tensor) => ({ ...tensor, bytes: [...tensor.bytes] }))),
        );
      }),
    );
  });

  test('hands the callers’ own buffers on', () => {
    const bytes = new Uint8Array(2);
    const input: Tensor = { name: 'x', datatype: 'BOOL', shape: [2], bytes };
    expect(
      mergeInputs([
        { rows: 2, inputs: [input] },
        { rows: 2, inputs: [input] },
      ]).payload[1],
    ).toBe(bytes);
  });

  test.each<[string, Tensor]>([
    ['another number of rows', { name: 'x', datatype: 'BOOL', shape: [3], bytes: new Uint8Array(3) }],
    ['no rows at all', { name: 'x', datatype: 'BOOL', shape: [], bytes: new Uint8Array(1) }],
    [
      'texts that end early',
      { name: 'x', datatype: 'BYTES', shape: [2], bytes: Uint8Array.of(1, 0, 0, 0, 65, 9, 0, 0, 0) },
    ],
    ['texts with something behind them', { name: 'x', datatype: 'BYTES', shape: [2], bytes: new Uint8Array(9) }],
  ])('an output with %s cannot be split', (_, output) => {
    expect(splitOutputs([output], [1, 1])).toBeUndefined();
  });
});

describe('the merge key', () => {
  const input = (overrides: Partial<Tensor> = {}): Tensor => ({
    name: 'x',
    datatype: 'FP32',
    shape: [1, 4],
    bytes: new Uint8Array(16),
    ...overrides,
  });
  const key = (inputs: readonly Tensor[], outputs?: readonly string[], parameters = noParameters): string =>
    mergeKey({ inputs, outputs, parameters });

  test('is the same for another number of rows and other values', () => {
    expect(key([input()])).toBe(key([input({ shape: [9, 4], bytes: new Uint8Array(144).fill(7) })]));
  });

  test('differs where anything differs that a run has only once', () => {
    const keys = [
      key([input()]),
      key([input({ name: 'y' })]),
      key([input({ datatype: 'INT32' })]),
      key([input({ shape: [1, 2, 2] })]),
      key([input({ shape: [1, 24] })]),
      key([input({ shape: [1, 2, 4] })]),
      key([input(), input({ name: 'y' })]),
      key([input()], []),
      key([input()], ['a']),
      key([input()], ['a', 'b']),
      key([input()], ['b', 'a']),
      key([input()], ['a>1:b']),
      key([input()], undefined, { k: 1 }),
      key([input()], undefined, { k: '1' }),
      key([input()], undefined, { k: 1n }),
      key([input()], undefined, { k: true }),
      key([input({ name: 'xFP321:y' })]),
    ];
    expect(new Set(keys).size).toBe(keys.length);
    expect(key([input()], undefined, { a: 1, b: 2 })).toBe(key([input()], undefined, { b: 2, a: 1 }));
  });
});

test('a model takes a request of another if its signature does', () => {
  const signature = {
    inputs: [
      { name: 'x', datatype: 'FP32', shape: [-1, 4] },
      { name: 'o', datatype: 'FP32', shape: [-1], optional: true },
    ],
    outputs: [{ name: 'y', datatype: 'FP32', shape: [-1] }],
  } as const;
  const x: Tensor = { name: 'x', datatype: 'FP32', shape: [1, 4], bytes: new Uint8Array(16) };
  const accepts = (inputs: readonly Tensor[], outputs?: readonly string[]): boolean =>
    signatureAccepts(signature, { inputs, outputs });
  expect(accepts([x])).toBe(true);
  expect(accepts([x, { ...x, name: 'o', shape: [1] }], ['y'])).toBe(true);
  expect(accepts([])).toBe(false);
  expect(accepts([x], ['z'])).toBe(false);
  expect(accepts([{ ...x, shape: [1, 5] }])).toBe(false);
  expect(accepts([{ ...x, shape: [4] }])).toBe(false);
  expect(accepts([{ ...x, datatype: 'FP64' }])).toBe(false);
  expect(accepts([x, { ...x, name: 'more' }])).toBe(false);
});

test('outputs come in the order in which they were asked for, and a missing one is the model’s fault', () => {
  const [a, b] = ['a', 'b'].map((name): Tensor => ({ name, datatype: 'BOOL', shape: [1], bytes: new Uint8Array(1) }));
  if (a === undefined || b === undefined) throw new Error('unreachable');
  expect(orderOutputs([a, b], undefined)).toEqual([a, b]);
  expect(orderOutputs([a, b], ['b', 'a'])).toEqual([b, a]);
  expect(orderOutputs([a, b], ['b'])).toEqual([b]);
  expect(() => orderOutputs([a], ['b'])).toThrow(expect.objectContaining({ code: 'model_failed' }));
});
