import { MusterError } from '../errors/muster-error.ts';
import { countByteElements, packByteElements } from './byte-elements.ts';
import { type DescribedInput, type InferInput, type InferRequest, noParameters } from './infer-request.ts';
import { readInferHeader } from './read-infer-header.ts';
import { countElements, quoteName } from './shape.ts';
import { type Signature, datatypeSizes, isBatched } from './tensor.ts';

/**
 * Where the JSON of a body ends, by the header `Inference-Header-Content-Length`; absent: all of it is JSON. 0 means a
 * raw request. Throws `invalid_binary_data`.
 */
export function readHeaderLength(text: string | undefined, bodyLength: number): number | undefined {
  if (text === undefined) return undefined;
  const length = /^[0-9]{1,15}$/.test(text) ? Number(text) : -1;
  if (length < 0) throw invalidHeader('must be a plain number of bytes');
  if (length > bodyLength) throw invalidHeader(`says ${length} bytes, but the body has ${bodyLength}`);
  return length;
}

/**
 * Reads a request from its body: JSON, then a binary section for each input with `binary_data_size`, in order and
 * without gaps. The inputs' bytes are views of the body where they came as binary.
 */
export function readInferBody(body: Uint8Array, headerLength: number | undefined): InferRequest {
  const header = readInferHeader(body, headerLength ?? body.length);
  let at = headerLength ?? body.length;
  const inputs: InferInput[] = [];
  for (let i = 0; i < header.inputs.length; i++) {
    const input = header.inputs[i];
    if (input === undefined) continue;
    let { bytes } = input;
    if (bytes === undefined) {
      const size = input.binarySize ?? 0;
      const place = `inputs[${i}]`;
      if (headerLength === undefined && size > 0) {
        throw invalidSection(
          place,
          input,
          'is announced as binary, but the request has no Inference-Header-Content-Length',
        );
      }
      if (size > body.length - at)
        throw invalidSection(place, input, `announces ${size} bytes, but ${body.length - at} are left in the body`);
      bytes = body.subarray(at, at + size);
      at += size;
      checkSection(place, input, bytes);
    }
    const { name, datatype, shape, parameters } = input;
    inputs.push({ name, datatype, shape, bytes, parameters });
  }
  if (at < body.length) {
    throw new MusterError(
      'invalid_binary_data',
      `${body.length - at} bytes are left over behind the last binary section`,
      { place: 'body' },
    );
  }
  return { id: header.id, parameters: header.parameters, inputs, outputs: header.outputs };
}

/**
 * The request that a raw body (header length 0) stands for: the only input of the model, one row. At most one further
 * dimension may be variable: it follows from the size. A BYTES input is one element, without its length in front.
 */
export function rawInferRequest(body: Uint8Array, signature: Signature): InferRequest {
  const [spec, second] = signature.inputs;
  if (spec === undefined || second !== undefined) throw invalidRaw('a raw request needs a model with one input');
  const shape = spec.shape.map((size, index) =>
    size === -1 && ((index === 0 && isBatched(signature)) || spec.datatype === 'BYTES') ? 1 : size,
  );
  const variable = shape.indexOf(-1);
  if (variable !== shape.lastIndexOf(-1))
    throw invalidRaw('a raw request needs an input with at most one variable dimension');
  let bytes = body;
  if (spec.datatype === 'BYTES') {
    if (countElements(shape, 'body') !== 1)
      throw invalidRaw('a raw request carries one element, but the input takes more');
    bytes = packByteElements([body]);
  } else {
    const known = shape.reduce(
      (product, size) => (size === -1 ? product : product * size),
      datatypeSizes[spec.datatype],
    );
    if (variable >= 0) shape[variable] = known === 0 ? 0 : Math.floor(body.length / known);
    const expected = countElements(shape, 'body') * datatypeSizes[spec.datatype];
    if (expected !== body.length)
      throw invalidRaw(
        `the body has ${body.length} bytes, which is no ${spec.datatype} input of shape [${spec.shape.join(',')}]`,
      );
  }
  const input = { name: spec.name, datatype: spec.datatype, shape, bytes, parameters: noParameters };
  return { id: undefined, parameters: noParameters, inputs: [input], outputs: [] };
}

function checkSection(place: string, input: DescribedInput, bytes: Uint8Array): void {
  const count = countElements(input.shape, place);
  const fits =
    input.datatype === 'BYTES'
      ? countByteElements(bytes) === count
      : bytes.length === count * datatypeSizes[input.datatype];
  if (fits) return;
  const shape = `${input.datatype} [${input.shape.join(',')}]`;
  if (input.datatype === 'BYTES')
    throw invalidSection(place, input, `has a section whose length prefixes do not give the elements of ${shape}`);
  throw invalidSection(
    place,
    input,
    `has ${bytes.length} bytes, but ${shape} takes ${count * datatypeSizes[input.datatype]}`,
  );
}

function invalidSection(place: string, input: DescribedInput, what: string): MusterError {
  return new MusterError('invalid_binary_data', `${place} (${quoteName(input.name)}) ${what}`, { place });
}

function invalidHeader(what: string): MusterError {
  return new MusterError('invalid_binary_data', `Inference-Header-Content-Length ${what}`, {
    place: 'Inference-Header-Content-Length',
  });
}

function invalidRaw(what: string): MusterError {
  return new MusterError('invalid_binary_data', what, { place: 'body' });
}
