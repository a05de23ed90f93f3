import fc from 'fast-check';
import { MusterError } from '../src/errors/muster-error.ts';
import { packByteElements } from '../src/inference/byte-elements.ts';
import type { InferRequest } from '../src/inference/infer-request.ts';
import { readInferBody } from '../src/inference/read-infer-body.ts';
import { type Datatype, type Tensor, datatypeSizes } from '../src/inference/tensor.ts';
import { tensorNumbers, tensorTexts } from '../src/inference/tensor-values.ts';

export const encoder = new TextEncoder();
const datatypes = Object.keys(datatypeSizes) as Datatype[];

/** Reads a request that is all JSON. */
export function read(json: string): InferRequest {
  return readInferBody(encoder.encode(json), undefined);
}

/** Reads one input's data. */
export function readData(datatype: string, shape: readonly number[], data: string): Tensor {
  const [input] = read(
    `{"inputs":[{"name":"x","datatype":"${datatype}","shape":[${shape.join(',')}],"data":${data}}]}`,
  ).inputs;
  if (input === undefined) throw new Error('no input');
  return input;
}

/** The code that a call fails with. */
export function code(run: () => unknown): string {
  try {
    run();
  } catch (error) {
    if (error instanceof MusterError) return error.code;
    throw error;
  }
  return 'nothing thrown';
}

/** NaN has many bit patterns but one text. */
export function withoutNanPayload(tensor: Tensor): unknown {
  return tensor.datatype === 'BYTES'
    ? tensorTexts(tensor)
    : Array.from<number | bigint>(tensorNumbers(tensor) as ArrayLike<number>);
}

/** Tensors of every datatype, of any bits. */
export const tensors = fc
  .record({
    datatype: fc.constantFrom(...datatypes),
    shape: fc.array(fc.integer({ min: 0, max: 4 }), { maxLength: 3 }),
  })
  .chain(({ datatype, shape }) => {
    const count = shape.reduce((product, size) => product * size, 1);
    const size = datatypeSizes[datatype];
    const bytes =
      datatype === 'BYTES'
        ? fc
            .array(fc.string({ unit: 'binary' }), { minLength: count, maxLength: count })
            .map((texts) => packByteElements(texts.map((text) => encoder.encode(text))))
        : fc
            .uint8Array({ minLength: count * size, maxLength: count * size })
            .map((random) => (datatype === 'BOOL' ? random.map((byte) => byte & 1) : random));
    return bytes.map((content): Tensor => ({ name: 'x', datatype, shape, bytes: content }));
  });
