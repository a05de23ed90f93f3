import { MusterError } from '../errors/muster-error.ts';
import { type JsonScanner, maxDepth } from './json-scanner.ts';
import { readFloats, readInt64, readInteger } from './read-number.ts';
import { noteMissing } from './missing-texts.ts';
import { type Datatype, datatypeSizes, missingText } from './tensor.ts';
import { roundToBfloat16 } from './bfloat16.ts';

const openBracket = 0x5b;
const closeBracket = 0x5d;

/** How elements of one datatype are read into its bytes. */
interface ElementReader {
  /** Reads the element at the scanner's position into `index`; false where it does not fit, with the scanner anywhere. */
  one(scanner: JsonScanner, index: number): boolean;
  /** Reads plain elements from `index` on as long as they follow each other; answers the next index. */
  run?(scanner: JsonScanner, index: number, isInArray: boolean): number;
  /** Called once all are read: makes the bytes of them where that could not be done before; answers the index of one that does not fit. */
  finish?(count: number): number | undefined;
}

/**
 * Reads a tensor's `data` at the scanner's position, flat or nested or a bare scalar, straight into the bytes of the
 * binary form; `null`, which counts as absent, answers undefined. Only the number of elements must match the shape.
 *
 * `count` is the product of `shape`. `place` is the input, as in `inputs[0]`: errors name it and the index of the
 * element, never the element, which may be personal.
 */
export function readTensorData(
  scanner: JsonScanner,
  datatype: Datatype,
  shape: readonly number[],
  count: number,
  place: string,
): Uint8Array | undefined {
  if (scanner.peek() === 0x6e && scanner.word('null')) return undefined;
  // Each element takes a byte and a comma or bracket: what the text cannot hold is not allocated, whatever the shape.
  const capacity = Math.min(count, ((scanner.end - scanner.at) >>> 1) + 1);
  if (datatype === 'BYTES') {
    const strings = new StringElements(capacity);
    checkCount(readElements(scanner, strings, datatype, place), shape, count, place);
    return strings.bytes();
  }
  const bytes = new Uint8Array(capacity * datatypeSizes[datatype]);
  const reader = elementReader(datatype, bytes.buffer, capacity);
  checkCount(readElements(scanner, reader, datatype, place), shape, count, place);
  const misfit = reader.finish?.(count);
  if (misfit !== undefined) throw misfitError(datatype, place, misfit);
  return bytes;
}

function checkCount(found: number, shape: readonly number[], count: number, place: string): void {
  if (found === count) return;
  const held = `data holds ${found} ${found === 1 ? 'element' : 'elements'}`;
  throw new MusterError('invalid_data', `${place}: ${held}, the shape [${shape.join(',')}] has ${count}`, {
    place: `${place}.data`,
  });
}

/** Walks flat or nested arrays and answers how many elements they hold. */
function readElements(scanner: JsonScanner, reader: ElementReader, datatype: Datatype, place: string): number {
  let depth = 0;
  let index = 0;
  for (;;) {
    const byte = scanner.peek();
    if (byte === openBracket) {
      if (++depth > maxDepth) throw scanner.fault(`data may nest at most ${maxDepth} deep`);
      if (scanner.open(openBracket, closeBracket)) continue;
      depth--;
    } else {
      const next = reader.run === undefined ? index : reader.run(scanner, index, depth > 0);
      if (next > index) index = next;
      else {
        const start = scanner.at;
        if (!reader.one(scanner, index)) {
          scanner.at = start;
          // Malformed JSON is told as such; what remains is a value of another kind or out of range.
          scanner.skip();
          throw misfitError(datatype, place, index);
        }
        index++;
      }
    }
    for (;;) {
      if (depth === 0) return index;
      if (scanner.more(closeBracket)) break;
      depth--;
    }
  }
}

const wanted: Readonly<Record<Datatype, string>> = {
  BOOL: 'true, false, 0 or 1',
  UINT8: 'an integer from 0 to 255',
  UINT16: 'an integer from 0 to 65535',
  UINT32: 'an integer from 0 to 4294967295',
  UINT64: 'an integer from 0 to 18446744073709551615',
  INT8: 'an integer from -128 to 127',
  INT16: 'an integer from -32768 to 32767',
  INT32: 'an integer from -2147483648 to 2147483647',
  INT64: 'an integer from -9223372036854775808 to 9223372036854775807',
  FP16: 'a number up to ±65504, null, "NaN", "Infinity" or "-Infinity"',
  BF16: 'a number up to ±3.39e38, null, "NaN", "Infinity" or "-Infinity"',
  FP32: 'a number up to ±3.4028235e38, null, "NaN", "Infinity" or "-Infinity"',
  FP64: 'a number up to ±1.7976931348623157e308, null, "NaN", "Infinity" or "-Infinity"',
  BYTES: 'a string',
};

function misfitError(datatype: Datatype, place: string, index: number): MusterError {
  const at = `${place}.data[${index}]`;
  return new MusterError('invalid_data', `${at} is not ${wanted[datatype]}, as ${datatype} takes`, { place: at });
}

const integerRanges = {
  UINT8: [0, 255],
  UINT16: [0, 65_535],
  UINT32: [0, 4_294_967_295],
  INT8: [-128, 127],
  INT16: [-32_768, 32_767],
  INT32: [-2_147_483_648, 2_147_483_647],
} as const;

function elementReader(datatype: Exclude<Datatype, 'BYTES'>, buffer: ArrayBufferLike, count: number): ElementReader {
  switch (datatype) {
    case 'FP32':
      return floatElements(new Float32Array(buffer), true);
    case 'FP64':
      return floatElements(new Float64Array(buffer), false);
    case 'FP16':
    case 'BF16':
      return halfElements(datatype, buffer, count);
    case 'INT64':
    case 'UINT64': {
      const words = new Uint32Array(buffer);
      return { one: (scanner, index) => readInt64(scanner, words, index, datatype === 'INT64') };
    }
    case 'BOOL': {
      const bytes = new Uint8Array(buffer);
      return { one: (scanner, index) => readBoolean(scanner, bytes, index) };
    }
    case 'UINT8':
    case 'UINT16':
    case 'UINT32':
    case 'INT8':
    case 'INT16':
    case 'INT32': {
      const target = integerArray(datatype, buffer);
      const [least, most] = integerRanges[datatype];
      return {
        one: (scanner, index) => {
          const value = readInteger(scanner);
          // NaN, which is no integer, fails both.
          if (!(value >= least && value <= most)) return false;
          target[index] = value;
          return true;
        },
      };
    }
  }
}

type SmallIntegers = Uint8Array | Uint16Array | Uint32Array | Int8Array | Int16Array | Int32Array;

function integerArray(datatype: keyof typeof integerRanges, buffer: ArrayBufferLike): SmallIntegers {
  switch (datatype) {
    case 'UINT8':
      return new Uint8Array(buffer);
    case 'UINT16':
      return new Uint16Array(buffer);
    case 'UINT32':
      return new Uint32Array(buffer);
    case 'INT8':
      return new Int8Array(buffer);
    case 'INT16':
      return new Int16Array(buffer);
    case 'INT32':
      return new Int32Array(buffer);
  }
}

function floatElements(target: Float32Array | Float64Array, isSingle: boolean): ElementReader {
  return {
    one: (scanner, index) => {
      const value = readSpecial(scanner);
      if (value === undefined) return false;
      target[index] = value;
      return true;
    },
    run: (scanner, index, isInArray) => readFloats(scanner, target, isSingle, index, isInArray),
  };
}

function halfElements(datatype: 'FP16' | 'BF16', buffer: ArrayBufferLike, capacity: number): ElementReader {
  const exact = new Float64Array(capacity);
  return {
    ...floatElements(exact, false),
    finish: (count) => {
      const halves = datatype === 'FP16' ? new Float16Array(buffer) : undefined;
      const words = new Uint16Array(buffer);
      for (let i = 0; i < count; i++) {
        const value = exact[i] ?? 0;
        if (halves === undefined) words[i] = roundToBfloat16(value);
        else halves[i] = value;
        const infinity = halves === undefined ? 0x7f80 : 0x7c00;
        if (((words[i] ?? 0) & 0x7fff) === infinity && Number.isFinite(value)) return i;
      }
      return undefined;
    },
  };
}

function readBoolean(scanner: JsonScanner, target: Uint8Array, index: number): boolean {
  let value = 0;
  if (scanner.word('true')) value = 1;
  else if (!scanner.word('false')) value = readInteger(scanner);
  if (value !== 0 && value !== 1) return false;
  target[index] = value;
  return true;
}

/** The forms of what JSON has no numbers for: bare, in quotes, and `null` for NaN. */
function readSpecial(scanner: JsonScanner): number | undefined {
  if (scanner.word('null') || scanner.word('NaN') || scanner.word('"NaN"')) return NaN;
  if (scanner.word('Infinity') || scanner.word('"Infinity"')) return Infinity;
  if (scanner.word('-Infinity') || scanner.word('"-Infinity"')) return -Infinity;
  return undefined;
}

/** Strings as the binary form has them, each behind the 4 bytes of its length. */
class StringElements implements ElementReader {
  #bytes: Uint8Array<ArrayBuffer>;
  #used = 0;
  #hasMissing = false;

  constructor(capacity: number) {
    this.#bytes = new Uint8Array(Math.min(capacity * 16, 65_536));
  }

  one(scanner: JsonScanner): boolean {
    if (scanner.peek() !== 0x22) return this.#missing(scanner);
    const from = scanner.at;
    const size = scanner.skipString();
    const at = this.#make(size);
    scanner.copyString(from, this.#bytes, at, size);
    return true;
  }

  /** A null: whether the model takes it is found out when its signature is known. */
  #missing(scanner: JsonScanner): boolean {
    if (!scanner.word('null')) return false;
    const at = this.#make(missingText.length);
    this.#bytes.set(missingText, at);
    this.#hasMissing = true;
    return true;
  }

  /** Makes room for an element, behind the bytes of its length; answers where it begins. */
  #make(size: number): number {
    const at = this.#used + 4;
    const needed = at + size;
    if (needed > this.#bytes.length) {
      const grown = new Uint8Array(Math.max(needed, this.#bytes.length * 2));
      grown.set(this.#bytes.subarray(0, this.#used));
      this.#bytes = grown;
    }
    new DataView(this.#bytes.buffer).setUint32(this.#used, size, true);
    this.#used = needed;
    return at;
  }

  bytes(): Uint8Array {
    const bytes = this.#bytes.subarray(0, this.#used);
    if (this.#hasMissing) noteMissing(bytes);
    return bytes;
  }
}
