import {
  type Signature,
  type UnpackedSample,
  byteElements,
  packByteElements,
  readInferBody,
} from '@muster-ml/protocol';
import { expect, it } from 'vitest';
import { sampleRequests } from './sample-requests.ts';

const text = (value: string): Uint8Array => new TextEncoder().encode(value);
const numbers = new Uint8Array(new Float32Array([1, 2, 3, 4]).buffer);
const words = packByteElements([text('a'), text('long')]);

const sample: UnpackedSample = {
  inputs: [
    { name: 'x', datatype: 'FP32', shape: [2, 2], size: numbers.byteLength },
    { name: 'w', datatype: 'BYTES', shape: [2], size: words.byteLength },
  ],
  payload: Buffer.concat([numbers, words]),
  outputs: [],
  outputPayload: new Uint8Array(),
  isTable: false,
};
const signature = (first: number): Signature => ({
  inputs: [
    { name: 'x', datatype: 'FP32', shape: [first, 2] },
    { name: 'w', datatype: 'BYTES', shape: [first] },
  ],
  outputs: [],
});

it('sends a row each where the model takes any number of rows', () => {
  const read = sampleRequests('e', signature(-1), sample).map(({ body, headers }) =>
    readInferBody(body, Number(headers['inference-header-content-length'])),
  );
  expect(read.map(({ inputs }) => inputs.map(({ shape }) => shape))).toEqual([
    [[1, 2], [1]],
    [[1, 2], [1]],
  ]);
  expect(read.map(({ inputs }) => [...new Float32Array(new Uint8Array(inputs[0]?.bytes ?? []).buffer)])).toEqual([
    [1, 2],
    [3, 4],
  ]);
  const second = byteElements(new Uint8Array(read[1]?.inputs[1]?.bytes ?? []));
  expect(new TextDecoder().decode(second[0])).toBe('long');
});

it('sends the sample whole to a model of a fixed size', () => {
  const [only, ...rest] = sampleRequests('e', signature(2), sample);
  expect(rest).toEqual([]);
  const { inputs } = readInferBody(
    only?.body ?? new Uint8Array(),
    Number(only?.headers['inference-header-content-length']),
  );
  expect(inputs.map(({ shape }) => shape)).toEqual([[2, 2], [2]]);
});
