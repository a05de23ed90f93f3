import {
  type Signature,
  type UnpackedSample,
  byteElements,
  datatypeSizes,
  packByteElements,
} from '@muster-ml/protocol';
import type { LoadRequest } from './load-task.ts';

/** Rows that are sent in turn, at most; more show nothing new. */
const maxRequests = 64;

type Input = UnpackedSample['inputs'][number] & { readonly bytes: Uint8Array };

/**
 * Requests of the Open Inference Protocol, in its binary form, that send a version's sample: a row each where the model
 * takes any number of rows, else the sample whole.
 */
export function sampleRequests(endpoint: string, signature: Signature, sample: UnpackedSample): readonly LoadRequest[] {
  const inputs: Input[] = [];
  let at = 0;
  for (const header of sample.inputs) {
    inputs.push({ ...header, bytes: sample.payload.subarray(at, at + header.size) });
    at += header.size;
  }
  const rows = rowsOf(signature, inputs);
  if (rows === undefined) return [requestOf(endpoint, inputs)];
  return Array.from({ length: Math.min(rows, maxRequests) }, (_, row) =>
    requestOf(
      endpoint,
      inputs.map((input) => rowOf(input, row, rows)),
    ),
  );
}

/** How many rows there are to send one by one; undefined where the inputs cannot be taken apart. */
function rowsOf(signature: Signature, inputs: readonly Input[]): number | undefined {
  const rows = inputs[0]?.shape[0];
  const isVariable = signature.inputs.every(({ shape }) => shape[0] === -1);
  if (rows === undefined || rows === 0 || !isVariable || inputs.some(({ shape }) => shape[0] !== rows))
    return undefined;
  return rows;
}

function rowOf(input: Input, row: number, rows: number): Input {
  const shape = [1, ...input.shape.slice(1)];
  if (datatypeSizes[input.datatype] > 0) {
    const size = input.bytes.byteLength / rows;
    return { ...input, shape, size, bytes: input.bytes.subarray(row * size, (row + 1) * size) };
  }
  const elements = byteElements(input.bytes);
  const each = elements.length / rows;
  const bytes = packByteElements(elements.slice(row * each, (row + 1) * each));
  return { ...input, shape, size: bytes.byteLength, bytes };
}

function requestOf(endpoint: string, inputs: readonly Input[]): LoadRequest {
  const header = Buffer.from(
    JSON.stringify({
      inputs: inputs.map(({ name, datatype, shape, bytes }) => ({
        name,
        datatype,
        shape,
        parameters: { binary_data_size: bytes.byteLength },
      })),
    }),
  );
  return {
    path: `/v2/models/${endpoint}/infer`,
    headers: {
      'content-type': 'application/octet-stream',
      'inference-header-content-length': String(header.byteLength),
    },
    body: Buffer.concat([header, ...inputs.map(({ bytes }) => bytes)]),
  };
}
