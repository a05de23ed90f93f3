import { MusterError } from '../errors/index.ts';
import { type Tensor, datatypeSizes, isDatatype } from '../inference/tensor.ts';
import type { TensorHeader } from './messages.ts';

/** The header of each tensor; the payload of the frame is their bytes, in this order. */
export function tensorHeaders(tensors: readonly Tensor[]): TensorHeader[] {
  return tensors.map(({ name, datatype, shape, bytes }) => ({ name, datatype, shape, size: bytes.byteLength }));
}

/**
 * The tensors of a frame, as views of its payload. The other side may be somebody's code, so everything is checked:
 * names, datatypes, shapes, and that the sizes are the shapes' and use the payload up. Throws `link_violation`.
 *
 * Inside BYTES tensors the prefixes are not walked: who splits or reads them does.
 */
export function readTensors(headers: unknown, payload: Uint8Array): Tensor[] {
  if (!Array.isArray(headers)) throw violation('a frame names no tensors');
  const tensors: Tensor[] = [];
  let at = 0;
  for (const header of headers as readonly Partial<TensorHeader>[]) {
    if (typeof header !== 'object' || header === null) throw violation('the header of a tensor is not an object');
    const { name, datatype, shape, size } = header;
    if (typeof name !== 'string' || typeof datatype !== 'string' || !isDatatype(datatype))
      throw violation('a tensor has no name or an unknown datatype');
    if (!Array.isArray(shape) || typeof size !== 'number' || !Number.isSafeInteger(size) || size < 0)
      throw violation(`tensor "${name}" has no shape or size`);
    const count = elementCount(shape);
    const elementBytes = datatypeSizes[datatype];
    if (count === undefined) throw violation(`tensor "${name}" has an impossible shape`);
    if (elementBytes === 0 ? size < count * 4 : size !== count * elementBytes)
      throw violation(`tensor "${name}" has ${size} bytes, which its shape [${shape.join(',')}] does not fit`);
    if (at + size > payload.byteLength) throw violation(`the payload ends inside tensor "${name}"`);
    tensors.push({ name, datatype, shape, bytes: payload.subarray(at, at + size) });
    at += size;
  }
  if (at !== payload.byteLength) throw violation(`${payload.byteLength - at} bytes of the payload belong to no tensor`);
  return tensors;
}

/** Elements of a shape; undefined if a dimension is not a non-negative integer or the product is beyond 2^53. */
function elementCount(shape: readonly unknown[]): number | undefined {
  let count = 1;
  for (const dimension of shape) {
    if (typeof dimension !== 'number' || !Number.isSafeInteger(dimension) || dimension < 0) return undefined;
    count *= dimension;
    if (!Number.isSafeInteger(count)) return undefined;
  }
  return count;
}

function violation(message: string): MusterError {
  return new MusterError('link_violation', message);
}
