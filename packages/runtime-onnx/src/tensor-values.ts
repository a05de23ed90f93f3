import { MusterError, type Tensor, datatypeSizes } from '@muster-ml/protocol';
import * as ort from 'onnxruntime-node';
import { datatypeOfOrt, ortTypeOf } from './datatype.ts';

const strictUtf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
const encoder = new TextEncoder();

/** What the decoder of onnxruntime-node writes for bytes that are no UTF-8. */
const replacementCharacter = '\uFFFD';

/** Elements of a shape whose dimensions were checked. */
export function elementCount(shape: readonly number[]): number {
  return shape.reduce((count, dimension) => count * dimension, 1);
}

/**
 * A tensor of the link as onnxruntime takes it. Numbers are views where they are aligned and copies where not.
 *
 * Throws `invalid_data` for what would reach the model changed: strings that are no UTF-8 or hold U+0000 (the binding
 * cuts there), booleans other than 0 and 1; `invalid_datatype` for BF16.
 */
export function toOrtTensor(tensor: Tensor): ort.Tensor {
  const { name, datatype, shape, bytes } = tensor;
  switch (datatype) {
    case 'BYTES':
      return new ort.Tensor('string', readStrings(tensor), shape);
    case 'BOOL':
      if (bytes.some((value) => value > 1))
        throw new MusterError('invalid_data', `input "${name}" holds a BOOL other than 0 and 1`);
      return new ort.Tensor('bool', bytes, shape);
    case 'FP16':
      // The binding reads the length of a Float16Array as 0, and ort.Tensor turns every other array into one.
      return {
        type: 'float16',
        dims: shape,
        location: 'cpu',
        data: new Uint16Array(...aligned(bytes, 2)),
      } as unknown as ort.Tensor;
    case 'BF16':
      throw new MusterError('invalid_datatype', `input "${name}" is BF16, which onnxruntime-node does not take`);
    case 'FP32':
      return new ort.Tensor('float32', new Float32Array(...aligned(bytes, 4)), shape);
    case 'FP64':
      return new ort.Tensor('float64', new Float64Array(...aligned(bytes, 8)), shape);
    case 'UINT8':
      return new ort.Tensor('uint8', bytes, shape);
    case 'UINT16':
      return new ort.Tensor('uint16', new Uint16Array(...aligned(bytes, 2)), shape);
    case 'UINT32':
      return new ort.Tensor('uint32', new Uint32Array(...aligned(bytes, 4)), shape);
    case 'UINT64':
      return new ort.Tensor('uint64', new BigUint64Array(...aligned(bytes, 8)), shape);
    case 'INT8':
      return new ort.Tensor('int8', new Int8Array(...aligned(bytes, 1)), shape);
    case 'INT16':
      return new ort.Tensor('int16', new Int16Array(...aligned(bytes, 2)), shape);
    case 'INT32':
      return new ort.Tensor('int32', new Int32Array(...aligned(bytes, 4)), shape);
    case 'INT64':
      return new ort.Tensor('int64', new BigInt64Array(...aligned(bytes, 8)), shape);
  }
}

/** Buffer, offset and length of typed-array elements over these bytes, which are copied only if they are not aligned. */
function aligned(bytes: Uint8Array, elementBytes: number): [ArrayBuffer, number, number] {
  const view =
    bytes.byteOffset % elementBytes === 0 && bytes.buffer instanceof ArrayBuffer ? bytes : new Uint8Array(bytes);
  return [view.buffer as ArrayBuffer, view.byteOffset, view.byteLength / elementBytes];
}

/** Elements of a BYTES tensor as text; throws `invalid_data` where the prefixes do not fit or the text would not arrive whole. */
function readStrings({ name, shape, bytes }: Tensor): string[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const count = elementCount(shape);
  const strings: string[] = [];
  let at = 0;
  for (let index = 0; index < count; index++) {
    const end = at + 4 <= bytes.byteLength ? at + 4 + view.getUint32(at, true) : Number.POSITIVE_INFINITY;
    if (end > bytes.byteLength)
      throw new MusterError('invalid_data', `input "${name}": its bytes end inside element ${index} of ${count}`);
    strings.push(readString(name, index, bytes.subarray(at + 4, end)));
    at = end;
  }
  if (at !== bytes.byteLength)
    throw new MusterError(
      'invalid_data',
      `input "${name}": ${bytes.byteLength - at} bytes are left over after ${count} elements`,
    );
  return strings;
}

function readString(name: string, index: number, bytes: Uint8Array): string {
  if (bytes.includes(0)) {
    throw new MusterError(
      'invalid_data',
      `input "${name}": element ${index} holds U+0000, where onnxruntime-node would cut the text`,
      { remedy: 'Send text without the character U+0000.' },
    );
  }
  try {
    return strictUtf8.decode(bytes);
  } catch {
    throw new MusterError(
      'invalid_data',
      `input "${name}": element ${index} is not UTF-8, and onnxruntime-node takes only text`,
      {
        remedy: 'Send UTF-8 text; encode other bytes (base64) if the model expects that.',
      },
    );
  }
}

/** Whether any text of the inputs holds U+FFFD by itself, so that one in the outputs says nothing. */
export function holdsReplacementCharacter(inputs: Iterable<ort.Tensor>): boolean {
  for (const { type, data } of inputs) {
    if (type === 'string' && (data as readonly string[]).some((text) => text.includes(replacementCharacter)))
      return true;
  }
  return false;
}

/**
 * An output as the link carries it; numbers are views of onnxruntime's memory.
 *
 * Throws `model_failed` for a type that the protocol lacks, and for text that onnxruntime-node damaged: it replaces
 * bytes that are no UTF-8 with U+FFFD, which `mayHoldReplacement` allows where the inputs held one.
 */
export function fromOrtTensor(name: string, tensor: ort.Tensor, mayHoldReplacement: boolean): Tensor {
  const datatype = datatypeOfOrt(tensor.type);
  if (datatype === undefined || ortTypeOf(datatype) === undefined)
    throw new MusterError('model_failed', `output "${name}" has the type ${tensor.type}, which cannot be sent`);
  const shape = [...tensor.dims];
  if (datatype !== 'BYTES') {
    const { buffer, byteOffset, byteLength } = tensor.data as Exclude<typeof tensor.data, string[]>;
    return { name, datatype, shape, bytes: new Uint8Array(buffer, byteOffset, byteLength) };
  }
  const texts = tensor.data as readonly string[];
  const damaged = mayHoldReplacement ? -1 : texts.findIndex((text) => text.includes(replacementCharacter));
  if (damaged >= 0) {
    throw new MusterError(
      'model_failed',
      `output "${name}": element ${damaged} is not UTF-8, and onnxruntime-node hands over only text`,
      {
        remedy: 'Let the model write UTF-8 text, or numbers.',
      },
    );
  }
  return { name, datatype, shape, bytes: writeStrings(texts) };
}

/** The bytes of a BYTES tensor: each text with its length before it. */
export function writeStrings(texts: readonly string[]): Uint8Array {
  const room = texts.reduce((sum, text) => sum + 4 + text.length * 3, 0);
  const bytes = new Uint8Array(room);
  const view = new DataView(bytes.buffer);
  let at = 0;
  for (const text of texts) {
    const { written } = encoder.encodeInto(text, bytes.subarray(at + 4));
    view.setUint32(at, written, true);
    at += 4 + written;
  }
  return bytes.subarray(0, at);
}

/** Bytes of a tensor whose elements all are 0 or 1, or "" or "1". */
export function filledBytes(datatype: Tensor['datatype'], count: number, fill: 0 | 1): Uint8Array {
  const elementBytes = datatypeSizes[datatype];
  if (elementBytes === 0) return writeStrings(Array.from({ length: count }, () => (fill === 0 ? '' : '1')));
  const bytes = new Uint8Array(count * elementBytes);
  if (fill === 0) return bytes;
  const one = onePattern(datatype, elementBytes);
  for (let at = 0; at < bytes.byteLength; at += elementBytes) bytes.set(one, at);
  return bytes;
}

/** Little-endian bytes of 1. */
function onePattern(datatype: Tensor['datatype'], elementBytes: number): Uint8Array {
  const view = new DataView(new ArrayBuffer(elementBytes));
  if (datatype === 'FP64') view.setFloat64(0, 1, true);
  else if (datatype === 'FP32') view.setFloat32(0, 1, true);
  else if (datatype === 'FP16') view.setUint16(0, 0x3c00, true);
  else if (datatype === 'BF16') view.setUint16(0, 0x3f80, true);
  else view.setUint8(0, 1);
  return new Uint8Array(view.buffer);
}
