import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { packByteElements } from './byte-elements.ts';
import { compareTensors, differenceText } from './compare-tensors.ts';
import { type Datatype, type Tensor, datatypeSizes } from './tensor.ts';

type Numeric = 'FP64' | 'FP32' | 'INT64' | 'INT32' | 'UINT8' | 'BOOL';

function numbers(datatype: Numeric, values: readonly number[], shape: readonly number[] = [values.length]): Tensor {
  const bytes = new Uint8Array(values.length * datatypeSizes[datatype]);
  const view = new DataView(bytes.buffer);
  const write: Record<Numeric, (at: number, value: number) => void> = {
    FP64: (at, value) => view.setFloat64(at, value, true),
    FP32: (at, value) => view.setFloat32(at, value, true),
    INT64: (at, value) => view.setBigInt64(at, BigInt(value), true),
    INT32: (at, value) => view.setInt32(at, value, true),
    UINT8: (at, value) => view.setUint8(at, value),
    BOOL: (at, value) => view.setUint8(at, value),
  };
  for (const [index, value] of values.entries()) write[datatype](index * datatypeSizes[datatype], value);
  return { name: 'y', datatype, shape, bytes };
}

function texts(values: readonly string[]): Tensor {
  const bytes = packByteElements(values.map((value) => new TextEncoder().encode(value)));
  return { name: 'y', datatype: 'BYTES', shape: [values.length], bytes };
}

const doubles = fc.array(fc.double(), { minLength: 1, maxLength: 20 });

describe('answers that are as expected', () => {
  test('are equal to themselves, with NaN, infinities and both zeros', () => {
    fc.assert(
      fc.property(doubles, (values) => {
        const tensor = numbers('FP64', [...values, NaN, -Infinity, -0]);
        expect(compareTensors([tensor], [tensor])).toBeUndefined();
      }),
    );
  });

  test('may differ by the tolerance of their datatype, and by no more', () => {
    const size = fc.double({ min: 1e-3, max: 1e6, noNaN: true });
    const tolerances: readonly [Numeric, number, number][] = [
      ['FP64', 1e-7, 1e-9],
      ['FP32', 1e-5, 1e-6],
    ];
    for (const [datatype, relative, absolute] of tolerances) {
      fc.assert(
        fc.property(size, fc.boolean(), fc.double({ min: 0, max: 0.5, noNaN: true }), (value, isUp, share) => {
          const allowed = relative * value + absolute;
          const shifted = (by: number): Tensor => numbers(datatype, [value + (isUp ? by : -by)]);
          expect(compareTensors([numbers(datatype, [value])], [shifted(share * allowed)])).toBeUndefined();
          expect(compareTensors([numbers(datatype, [value])], [shifted(3 * allowed)])).toMatchObject({ row: 0 });
        }),
      );
    }
  });

  test('may have another datatype: the looser tolerance of both is taken', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 1 }), { minLength: 1 }), (values) => {
        for (const a of ['FP64', 'FP32', 'INT64', 'INT32', 'UINT8', 'BOOL'] as const)
          for (const b of ['FP64', 'INT64', 'BOOL'] as const)
            expect(compareTensors([numbers(a, values)], [numbers(b, values)])).toBeUndefined();
      }),
    );
    const rounded = numbers('FP32', [0.1]);
    expect(compareTensors([numbers('FP64', [0.1])], [rounded])).toBeUndefined();
    expect(compareTensors([numbers('FP64', [0.1])], [numbers('FP64', [Math.fround(0.1)])])).toBeUndefined();
    expect(compareTensors([numbers('FP64', [1])], [numbers('FP64', [1 + 1e-6])])).toBeDefined();
    expect(compareTensors([numbers('FP64', [1])], [numbers('FP32', [1 + 1e-6])])).toBeUndefined();
  });

  test('may come with others, and with dimensions of size 1 or without', () => {
    const expected = numbers('FP64', [1, 2], [2, 1]);
    expect(compareTensors([expected], [{ ...expected, name: 'other' }, numbers('FP64', [1, 2])])).toBeUndefined();
  });

  test('may be JSON documents that are written otherwise; texts are equal byte by byte', () => {
    const a = texts(['{"score": 0.30000000000000004, "tags": ["a", null]}']);
    expect(compareTensors([a], [texts(['{"tags":["a",null],"score":0.3}'])])).toBeUndefined();
    expect(compareTensors([a], [texts(['{"tags":["a",null],"score":0.31}'])])).toMatchObject({ row: 0 });
    expect(compareTensors([texts(['1'])], [texts(['1.0'])])).toMatchObject({ expected: '"1"', got: '"1.0"' });
  });
});

describe('the first difference', () => {
  test('names its output and its row', () => {
    const expected = numbers('FP32', [1, 2, 3, 4, 5, 6], [3, 2]);
    const got = numbers('FP32', [1, 2, 3, 9, 5, 7], [3, 2]);
    const difference = compareTensors([texts(['x']), expected].slice(1), [got]);
    expect(difference).toEqual({ output: 'y', row: 1, expected: '4', got: '9' });
    expect(difference && differenceText(difference)).toBe('y, row 1: expected 4, got 9');
  });

  test('is found wherever it is', () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 0, max: 9 }), { minLength: 1, maxLength: 30 }),
        fc.nat(),
        (values, place) => {
          const at = place % values.length;
          const other = values.map((value, index) => (index === at ? value + 1 : value));
          expect(compareTensors([numbers('INT64', values)], [numbers('INT32', other)])?.row).toBe(at);
          expect(compareTensors([texts(values.map(String))], [texts(other.map(String))])?.row).toBe(at);
        },
      ),
    );
  });

  test('is seen between neighbours that a double cannot tell apart', () => {
    const big = (value: bigint): Tensor => {
      const bytes = new Uint8Array(8);
      new DataView(bytes.buffer).setBigInt64(0, value, true);
      return { name: 'y', datatype: 'INT64', shape: [1], bytes };
    };
    expect(compareTensors([big(2n ** 53n)], [big(2n ** 53n + 1n)])).toMatchObject({ got: '9007199254740993' });
  });

  test('is an output that is missing, of another shape, or text where numbers are expected', () => {
    const expected = numbers('FP64', [1, 2]);
    expect(compareTensors([expected], [])).toMatchObject({ row: null, got: 'no such output' });
    expect(compareTensors([expected], [numbers('FP64', [1])])).toMatchObject({ got: 'FP64 of shape [1]' });
    expect(compareTensors([expected], [texts(['1', '2'])])).toMatchObject({ got: 'BYTES of shape [2]' });
    expect(compareTensors([numbers('FP64', [NaN])], [numbers('FP64', [0])])).toMatchObject({ expected: 'NaN' });
  });

  test('is told in a few words, however long the values are', () => {
    const difference = compareTensors([texts(['a'.repeat(10_000)])], [texts(['b'.repeat(10_000)])]);
    expect(difference?.expected.length).toBeLessThanOrEqual(80);
    expect(difference?.got.length).toBeLessThanOrEqual(80);
  });

  test('never ends in an exception, whatever a runner answers', () => {
    const datatypes = fc.constantFrom<Datatype>('FP64', 'BYTES', 'INT64', 'BF16', 'BOOL');
    const anything = fc.record({
      name: fc.constant('y'),
      datatype: datatypes,
      shape: fc.array(fc.nat({ max: 3 }), { maxLength: 2 }),
      bytes: fc.uint8Array({ maxLength: 40 }),
    });
    fc.assert(
      fc.property(anything, anything, (a, b) => {
        compareTensors([a], [b]);
      }),
    );
  });
});
