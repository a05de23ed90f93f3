import { type Sample, sampleSchema, unpackSample } from '@muster-ml/protocol';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { tensorsIn } from './fit-sample.ts';
import { packJsonSample } from './sample-tensors.ts';

type Given = Sample['inputs'][number];
const pack = (...inputs: Given[]) => tensorsIn(unpackSample(packJsonSample(sampleSchema.parse({ inputs })))).inputs;
describe('a sample in JSON becomes bytes', () => {
  test('flat or nested as its shape', () => {
    const nested = pack({
      name: 'x',
      datatype: 'FP64',
      shape: [2, 2],
      data: [
        [1, 2],
        [3, 4],
      ],
    });
    expect(nested).toEqual(pack({ name: 'x', datatype: 'FP64', shape: [2, 2], data: [1, 2, 3, 4] }));
  });

  test('every double and every 64-bit integer comes through', () => {
    fc.assert(
      fc.property(fc.array(fc.double(), { minLength: 1 }), (values) => {
        const data = values.map((value) => (Number.isFinite(value) ? value : String(value)));
        const [tensor] = pack({ name: 'x', datatype: 'FP64', shape: [values.length], data });
        const got = [...new Float64Array(new Uint8Array(tensor?.bytes ?? []).buffer)];
        // JSON has no -0 that JavaScript would write.
        expect(got).toEqual(values.map((value) => (value === 0 ? 0 : value)));
      }),
    );
    fc.assert(
      fc.property(fc.array(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }), { minLength: 1 }), (values) => {
        const [tensor] = pack({ name: 'x', datatype: 'INT64', shape: [values.length], data: values.map(String) });
        expect([...new BigInt64Array(new Uint8Array(tensor?.bytes ?? []).buffer)]).toEqual(values);
      }),
    );
  });

  test.each<[string, Partial<Given>]>([
    ['too few elements', { data: [1] }],
    ['another depth', { data: [1, [2]] }],
    ['an object', { data: [1, { value: 2 }] }],
    ['a number as text', { data: [1, '2'] }],
    ['a truth for a number', { data: [1, true] }],
    ['a number for a truth', { datatype: 'BOOL', data: [true, 1] }],
    ['a missing truth', { datatype: 'BOOL', data: [true, null] }],
    ['a missing integer', { datatype: 'INT64', data: [1, null] }],
    ['an integer out of range', { datatype: 'INT8', data: [1, 128] }],
    ['an integer that JSON may have rounded', { datatype: 'INT64', data: [1, 2 ** 53] }],
    ['a sign where there is none', { datatype: 'UINT64', data: [1, '-1'] }],
    ['a number for a text', { datatype: 'BYTES', data: ['a', 1] }],
    ['brackets without end', { data: [1, JSON.parse(`${'['.repeat(5000)}${']'.repeat(5000)}`)] }],
    ['more than is kept', { datatype: 'BYTES', shape: [1], data: ['x'.repeat(9_000_000)] }],
  ])('%s is refused', (_what, given) => {
    expect(() => pack({ name: 'x', datatype: 'FP64', shape: [2], data: [1, 2], ...given })).toThrow(
      expect.objectContaining({ code: 'invalid_sample' }),
    );
  });
});
