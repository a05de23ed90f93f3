import { fromBfloat16 } from './bfloat16.ts';
import { byteElements } from './byte-elements.ts';
import { bfloat16Text, doubleText, halfText, singleText } from './number-text.ts';
import { type Tensor, missingText } from './tensor.ts';

/** The bytes at an offset that a typed array of elements of `size` bytes can begin at; copied only where needed. */
function aligned(
  bytes: Uint8Array,
  size: number,
): { readonly buffer: ArrayBufferLike; readonly offset: number; readonly count: number } {
  // Not `slice`, which Node's Buffer overrides with a view that is no better aligned.
  const source = bytes.byteOffset % size === 0 ? bytes : new Uint8Array(bytes);
  return { buffer: source.buffer, offset: source.byteOffset, count: Math.floor(source.byteLength / size) };
}

/**
 * The numbers of a numeric tensor. 64-bit integers come as bigint; BOOL as 0 and 1; BF16 and FP16 widened.
 */
export function tensorNumbers(tensor: Tensor): ArrayLike<number> | ArrayLike<bigint> {
  const { bytes } = tensor;
  switch (tensor.datatype) {
    case 'BOOL':
    case 'UINT8':
      return bytes;
    case 'INT8':
      return new Int8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    case 'UINT16':
    case 'BF16': {
      const { buffer, offset, count } = aligned(bytes, 2);
      const words = new Uint16Array(buffer, offset, count);
      return tensor.datatype === 'BF16' ? Float32Array.from(words, fromBfloat16) : words;
    }
    case 'INT16': {
      const { buffer, offset, count } = aligned(bytes, 2);
      return new Int16Array(buffer, offset, count);
    }
    case 'FP16': {
      const { buffer, offset, count } = aligned(bytes, 2);
      return new Float16Array(buffer, offset, count);
    }
    case 'UINT32': {
      const { buffer, offset, count } = aligned(bytes, 4);
      return new Uint32Array(buffer, offset, count);
    }
    case 'INT32': {
      const { buffer, offset, count } = aligned(bytes, 4);
      return new Int32Array(buffer, offset, count);
    }
    case 'FP32': {
      const { buffer, offset, count } = aligned(bytes, 4);
      return new Float32Array(buffer, offset, count);
    }
    case 'FP64': {
      const { buffer, offset, count } = aligned(bytes, 8);
      return new Float64Array(buffer, offset, count);
    }
    case 'UINT64': {
      const { buffer, offset, count } = aligned(bytes, 8);
      return new BigUint64Array(buffer, offset, count);
    }
    case 'INT64': {
      const { buffer, offset, count } = aligned(bytes, 8);
      return new BigInt64Array(buffer, offset, count);
    }
    case 'BYTES':
      throw new TypeError(`${tensor.name} holds bytes, not numbers`);
  }
}

/** The texts of a BYTES tensor; undefined for an element that is not UTF-8. */
export function tensorTexts(tensor: Tensor): (string | undefined)[] {
  return byteElements(tensor.bytes).map(textOf);
}

const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

function textOf(element: Uint8Array): string | undefined {
  try {
    return decoder.decode(element);
  } catch {
    return undefined;
  }
}

/**
 * Each element as JSON: 64-bit integers as bare digits, floats in the shortest form that reads back as the same value
 * of their datatype, what JSON has no number for as a string, a missing text of a nullable tensor as null. An element that is not text is undefined.
 */
export function tensorElementTexts(tensor: Tensor, isNullable = false): readonly (string | undefined)[] {
  switch (tensor.datatype) {
    case 'BYTES':
      return byteElements(tensor.bytes).map((element) => {
        if (isNullable && element.length === 1 && element[0] === missingText[0]) return 'null';
        const text = textOf(element);
        return text === undefined ? undefined : JSON.stringify(text);
      });
    case 'BOOL':
      return Array.from(tensor.bytes, (byte) => (byte === 0 ? 'false' : 'true'));
    case 'BF16': {
      const { buffer, offset, count } = aligned(tensor.bytes, 2);
      return Array.from(new Uint16Array(buffer, offset, count), bfloat16Text);
    }
    case 'FP16':
    case 'FP32':
    case 'FP64': {
      const text = tensor.datatype === 'FP32' ? singleText : tensor.datatype === 'FP64' ? doubleText : halfText;
      const numbers = tensorNumbers(tensor) as ArrayLike<number>;
      const texts = new Array<string>(numbers.length);
      for (let i = 0; i < numbers.length; i++) texts[i] = text(numbers[i] ?? 0);
      return texts;
    }
    case 'UINT8':
    case 'UINT16':
    case 'UINT32':
    case 'UINT64':
    case 'INT8':
    case 'INT16':
    case 'INT32':
    case 'INT64': {
      const numbers = tensorNumbers(tensor);
      const texts = new Array<string>(numbers.length);
      for (let i = 0; i < numbers.length; i++) texts[i] = String(numbers[i]);
      return texts;
    }
  }
}
