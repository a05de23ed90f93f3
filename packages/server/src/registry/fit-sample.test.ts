import type { Datatype, Signature, Tensor } from '@muster-ml/protocol';
import { describe, expect, test } from 'vitest';
import { doubles } from '../../test-support/python-twin.ts';
import { castTensor } from './cast-tensor.ts';
import { fitInputs, fitOutputs } from './fit-sample.ts';

const singles = (name: string, shape: readonly number[], ...values: number[]): Tensor => ({
  name,
  datatype: 'FP32',
  shape,
  bytes: new Uint8Array(Float32Array.from(values).buffer),
});
const wide = (name: string, ...values: bigint[]): Tensor => ({
  name,
  datatype: 'INT64',
  shape: [values.length],
  bytes: new Uint8Array(BigInt64Array.from(values).buffer),
});
const text: Tensor = { name: 't', datatype: 'BYTES', shape: [0], bytes: new Uint8Array() };
const spec = (name: string, datatype: Datatype, ...shape: number[]) => ({ name, datatype, shape });

const matrix: Signature = {
  inputs: [spec('X', 'FP32', -1, 2)],
  outputs: [spec('label', 'INT64', -1), spec('probabilities', 'FP32', -1, 2)],
};
const columns: Signature = {
  inputs: [spec('a', 'FP32', -1), spec('b', 'INT64', -1, 1)],
  outputs: [spec('y', 'FP32', -1)],
};

describe('the inputs of a sample take the form of the signature', () => {
  test('a table fills a matrix, and names its features', () => {
    const table = { inputs: [doubles('age', 1, 2), wide('rooms', 3n, 4n)], isTable: true };
    expect(fitInputs(table, matrix)).toEqual({
      features: ['age', 'rooms'],
      tensors: [singles('X', [2, 2], 1, 3, 2, 4)],
    });
  });

  test('a table in another order fills columns by name, in the types of the model', () => {
    const table = { inputs: [doubles('b', 3), doubles('a', 1.5)], isTable: true };
    const [a, b] = fitInputs(table, columns).tensors;
    expect(a).toEqual(singles('a', [1], 1.5));
    expect(b).toEqual({ ...wide('b', 3n), shape: [1, 1] });
  });

  test('one tensor is the one input whatever its name; several go by name', () => {
    const given = { ...doubles('input', 1, 2), shape: [1, 2] };
    expect(fitInputs({ inputs: [given], isTable: false }, matrix).tensors).toEqual([singles('X', [1, 2], 1, 2)]);
    const named = [{ ...wide('b', 3n), shape: [1, 1] }, doubles('a', 1)];
    expect(fitInputs({ inputs: named, isTable: false }, columns).tensors.map(({ name }) => name)).toEqual(['a', 'b']);
  });

  test.each<[string, readonly Tensor[], Signature]>([
    ['another width', [{ ...doubles('X', 1, 2, 3), shape: [1, 3] }], matrix],
    ['text for numbers', [text], matrix],
    ['a missing input', [doubles('a', 1)], columns],
    ['an input too many', [doubles('a', 1), { ...wide('b', 1n), shape: [1, 1] }, doubles('c', 1)], columns],
    ['a fraction for an integer', [doubles('a', 1), { ...doubles('b', 1.5), shape: [1, 1] }], columns],
  ])('%s is refused', (_what, inputs, signature) => {
    expect(() => fitInputs({ inputs, isTable: false }, signature)).toThrow(
      expect.objectContaining({ code: 'invalid_sample' }),
    );
  });
});

describe('the answers of a sample take the names and types of the outputs', () => {
  test('by name, some of them and in any order', () => {
    const probabilities = { ...doubles('probabilities', 0.25, 0.75), shape: [1, 2] };
    expect(fitOutputs([probabilities], matrix)).toEqual([probabilities]);
  });

  test('in order where the names are others', () => {
    const given = [doubles('output_label', 1), { ...doubles('output_probability', 0.25, 0.75), shape: [1, 2] }];
    const names = ['label', 'probabilities'];
    expect(fitOutputs(given, matrix)).toEqual(given.map((tensor, index) => ({ ...tensor, name: names[index] })));
    expect(fitOutputs([{ ...wide('y', 1n), shape: [1, 1] }], matrix)).toMatchObject([{ name: 'label' }]);
  });

  test('one of another kind is a difference already; one that the model does not give is none', () => {
    expect(() => fitOutputs([{ ...text, name: 'label' }], matrix)).toThrow(
      expect.objectContaining({
        code: 'sample_differs',
        message: 'the sample expects label as BYTES [0], the model gives label as INT64 [-1]',
      }),
    );
    expect(() => fitOutputs([doubles('label', 1), doubles('margin', 1)], matrix)).toThrow(
      expect.objectContaining({ code: 'invalid_sample' }),
    );
  });
});

test('a number keeps its value in another type, or does not fit it', () => {
  expect(castTensor(doubles('x', 3, Number.NaN, 1e300), 'FP32')).toEqual(
    singles('x', [3], 3, Number.NaN, Number.POSITIVE_INFINITY),
  );
  expect(castTensor(wide('x', 2n ** 62n), 'UINT64')).toMatchObject({ bytes: wide('x', 2n ** 62n).bytes });
  expect(castTensor(wide('x', -1n), 'UINT64')).toBeUndefined();
  expect(castTensor(doubles('x', 0.5), 'INT8')).toBeUndefined();
  expect(castTensor(text, 'FP32')).toBeUndefined();
});
