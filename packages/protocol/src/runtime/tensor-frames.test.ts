import { describe, expect, test } from 'vitest';
import type { Tensor } from '../inference/tensor.ts';
import { readTensors, tensorHeaders } from './tensor-frames.ts';

const tensors: readonly Tensor[] = [
  { name: 'a', datatype: 'FP32', shape: [2, 1], bytes: Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8) },
  { name: 'empty', datatype: 'INT64', shape: [0, 3], bytes: new Uint8Array(0) },
  { name: 'text', datatype: 'BYTES', shape: [1], bytes: Uint8Array.of(1, 0, 0, 0, 65) },
  { name: 'scalar', datatype: 'BOOL', shape: [], bytes: Uint8Array.of(1) },
];
const payload = new Uint8Array(Buffer.concat(tensors.map((tensor) => tensor.bytes)));

describe('tensors of a frame', () => {
  test('come out as they went in', () => {
    expect(readTensors(JSON.parse(JSON.stringify(tensorHeaders(tensors))), payload)).toEqual(tensors);
  });

  test.each([
    ['no list', 'x', payload],
    ['a list of something else', [null], payload],
    ['an unknown datatype', [{ name: 'a', datatype: 'FP8', shape: [1], size: 1 }], Uint8Array.of(1)],
    ['no name', [{ datatype: 'BOOL', shape: [1], size: 1 }], Uint8Array.of(1)],
    ['a negative dimension', [{ name: 'a', datatype: 'BOOL', shape: [-1], size: 1 }], Uint8Array.of(1)],
    [
      'a shape beyond counting',
      [{ name: 'a', datatype: 'BOOL', shape: [2 ** 31, 2 ** 31], size: 1 }],
      Uint8Array.of(1),
    ],
    ['a size that is not the shape', [{ name: 'a', datatype: 'FP32', shape: [1], size: 3 }], Uint8Array.of(1, 2, 3)],
    ['less BYTES than prefixes', [{ name: 'a', datatype: 'BYTES', shape: [2], size: 7 }], new Uint8Array(7)],
    ['a payload that is short', [{ name: 'a', datatype: 'BOOL', shape: [2], size: 2 }], Uint8Array.of(1)],
    ['a payload that is long', [{ name: 'a', datatype: 'BOOL', shape: [1], size: 1 }], Uint8Array.of(1, 1)],
  ])('with %s are refused', (_, headers, bytes) => {
    expect(() => readTensors(headers, bytes)).toThrow(expect.objectContaining({ code: 'link_violation' }));
  });
});
