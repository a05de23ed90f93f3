import type { Datatype, Tensor } from '@muster-ml/protocol';
import fc from 'fast-check';
import * as ort from 'onnxruntime-node';
import { describe, expect, test } from 'vitest';
import { filledBytes, fromOrtTensor, toOrtTensor, writeStrings } from './tensor-values.ts';

function codeOf(work: () => unknown): unknown {
  try {
    work();
    return undefined;
  } catch (thrown) {
    return (thrown as { code?: unknown }).code;
  }
}

describe('tensor values', () => {
  test('numbers survive any alignment of their bytes', () => {
    const types: readonly (readonly [Datatype, number])[] = [
      ['UINT8', 1],
      ['INT8', 1],
      ['UINT16', 2],
      ['INT16', 2],
      ['UINT32', 4],
      ['INT32', 4],
      ['FP32', 4],
      ['FP64', 8],
      ['INT64', 8],
      ['UINT64', 8],
    ];
    fc.assert(
      fc.property(
        fc.constantFrom(...types),
        fc.nat(5),
        fc.nat(9),
        fc.uint8Array({ minLength: 40, maxLength: 40 }),
        ([datatype, size], count, offset, random) => {
          const bytes = new Uint8Array(new ArrayBuffer(offset + count * size), offset, count * size);
          bytes.set(random.subarray(0, bytes.length));
          const tensor: Tensor = { name: 'x', datatype, shape: [count], bytes };
          expect(fromOrtTensor('x', toOrtTensor(tensor), false)).toEqual({ ...tensor, bytes: Uint8Array.from(bytes) });
        },
      ),
    );
  });

  test('text survives', () => {
    fc.assert(
      fc.property(fc.array(fc.string({ unit: 'grapheme' })), (texts) => {
        const clean = texts.map((text) => text.replaceAll('\0', ''));
        const tensor: Tensor = { name: 'x', datatype: 'BYTES', shape: [clean.length], bytes: writeStrings(clean) };
        const read = toOrtTensor(tensor);
        expect(read.data).toEqual(clean);
        expect(fromOrtTensor('x', read, true)).toEqual(tensor);
      }),
    );
  });

  test('text with prefixes that do not fit is refused', () => {
    const whole = writeStrings(['ab', 'c']);
    for (const bytes of [
      whole.subarray(0, -1),
      whole.subarray(0, 3),
      Uint8Array.of(...whole, 0),
      Uint8Array.of(255, 255, 255, 255),
    ]) {
      expect(codeOf(() => toOrtTensor({ name: 'x', datatype: 'BYTES', shape: [2], bytes }))).toBe('invalid_data');
    }
  });

  test('an output that was damaged on the way out of the runtime is refused, an echo is not', () => {
    const damaged = new ort.Tensor('string', ['fine', '\uFFFD'], [2]);
    expect(codeOf(() => fromOrtTensor('y', damaged, false))).toBe('model_failed');
    expect(fromOrtTensor('y', damaged, true).bytes).toEqual(writeStrings(['fine', '\uFFFD']));
  });

  test('BF16 is refused, not taken for something else', () => {
    expect(codeOf(() => toOrtTensor({ name: 'x', datatype: 'BF16', shape: [1], bytes: new Uint8Array(2) }))).toBe(
      'invalid_datatype',
    );
  });

  test('made values are zeros and ones of every type', () => {
    const one = (datatype: Datatype): unknown => [
      ...(toOrtTensor({ name: 'x', datatype, shape: [2], bytes: filledBytes(datatype, 2, 1) })
        .data as Iterable<unknown>),
    ];
    for (const datatype of ['BOOL', 'UINT8', 'UINT16', 'UINT32', 'INT8', 'INT16', 'INT32', 'FP32', 'FP64'] as const)
      expect(one(datatype)).toEqual([1, 1]);
    expect(one('INT64')).toEqual([1n, 1n]);
    expect(one('UINT64')).toEqual([1n, 1n]);
    expect(one('FP16')).toEqual([0x3c00, 0x3c00]);
    expect(one('BYTES')).toEqual(['1', '1']);
    expect(filledBytes('FP64', 3, 0)).toEqual(new Uint8Array(24));
  });
});
