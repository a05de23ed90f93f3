import type { JsonScanner } from './json-scanner.ts';

/** The powers of ten that a double holds exactly. */
const powersOfTen = Array.from({ length: 23 }, (_, exponent) => Number(`1e${exponent}`));

/** Beyond it, decimal digits that were added up one by one may have been rounded. */
const exactLimit = 2 ** 53;

/** From here on, a double rounds to infinity as a float32. */
const singleLimit = 3.4028235677973366e38;

/**
 * Reads numbers that follow each other into `target` from `index` on; answers the index behind the last one. Stops
 * before anything that is not a number, and before one that overflows.
 *
 * A decimal whose digits fit 2^53 and whose exponent is small is one exact integer divided or multiplied by one exact
 * power of ten, which rounds once and so correctly (Clinger 1990). Python writes a float32 with 17 digits, beyond
 * that: there the sum of the digits is a little off, but almost never so much that another float32 would be nearest;
 * where it could be, and for doubles, the text is converted.
 */
export function readFloats(
  scanner: JsonScanner,
  target: Float32Array | Float64Array,
  isSingle: boolean,
  index: number,
  isInArray: boolean,
): number {
  const { bytes, end } = scanner;
  let { at } = scanner;
  let next = index;
  for (;;) {
    const start = at;
    let byte = at < end ? (bytes[at] ?? 0) : 0;
    const isNegative = byte === 0x2d;
    if (isNegative) byte = ++at < end ? (bytes[at] ?? 0) : 0;
    if (byte < 0x30 || byte > 0x39) break;

    let mantissa = byte - 0x30;
    let scale = 0;
    byte = ++at < end ? (bytes[at] ?? 0) : 0;
    if (mantissa !== 0) {
      while (byte >= 0x30 && byte <= 0x39) {
        mantissa = mantissa * 10 + (byte - 0x30);
        byte = ++at < end ? (bytes[at] ?? 0) : 0;
      }
    }
    if (byte === 0x2e) {
      const point = at;
      byte = ++at < end ? (bytes[at] ?? 0) : 0;
      while (byte >= 0x30 && byte <= 0x39) {
        mantissa = mantissa * 10 + (byte - 0x30);
        byte = ++at < end ? (bytes[at] ?? 0) : 0;
      }
      scale = point + 1 - at;
      if (scale === 0) throw scanner.fault('a digit was expected', at);
    }
    if ((byte | 0x20) === 0x65) {
      byte = ++at < end ? (bytes[at] ?? 0) : 0;
      const sign = byte === 0x2d ? -1 : 1;
      if (byte === 0x2d || byte === 0x2b) byte = ++at < end ? (bytes[at] ?? 0) : 0;
      if (byte < 0x30 || byte > 0x39) throw scanner.fault('a digit was expected', at);
      let exponent = 0;
      while (byte >= 0x30 && byte <= 0x39) {
        if (exponent < 10_000) exponent = exponent * 10 + (byte - 0x30);
        byte = ++at < end ? (bytes[at] ?? 0) : 0;
      }
      scale += sign * exponent;
    }

    let value: number;
    if (mantissa <= exactLimit && scale <= 22 && scale >= -22) {
      value = scaled(mantissa, scale);
      target[next] = isNegative ? -value : value;
    } else {
      value = isSingle && mantissa < 1e25 && scale <= 22 && scale >= -22 ? scaled(mantissa, scale) : NaN;
      // At most 19 roundings of 2^-53 each went into it: well below the 2^-48 by which it is spread here.
      if (Math.fround(value * (1 - 2 ** -48)) !== Math.fround(value * (1 + 2 ** -48))) {
        value = Number(scanner.ascii(isNegative ? start + 1 : start, at));
      }
      if (value >= (isSingle ? singleLimit : Infinity)) {
        at = start;
        break;
      }
      target[next] = isNegative ? -value : value;
    }
    next++;
    scanner.at = at;

    // On to the next number without leaving the loop, where there is one.
    if (!isInArray) return next;
    while (byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09) byte = ++at < end ? (bytes[at] ?? 0) : 0;
    if (byte !== 0x2c) return next;
    byte = ++at < end ? (bytes[at] ?? 0) : 0;
    while (byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09) byte = ++at < end ? (bytes[at] ?? 0) : 0;
    if (byte !== 0x2d && (byte < 0x30 || byte > 0x39)) return next;
  }
  return next;
}

function scaled(mantissa: number, scale: number): number {
  return scale < 0 ? mantissa / (powersOfTen[-scale] ?? 1) : mantissa * (powersOfTen[scale] ?? 1);
}

/**
 * Reads an integer of up to 32 bits; NaN where it is none (or far out of range). `1.0` and `1e2` are integers: JSON
 * has one kind of number, and a column with gaps comes out of pandas with a point.
 */
export function readInteger(scanner: JsonScanner): number {
  if (!beginsNumber(scanner)) return NaN;
  const start = scanner.at;
  const isPlain = scanner.skipNumber();
  if (isPlain && scanner.at - start <= 15) return plainInteger(scanner.bytes, start, scanner.at);
  const value = Number(scanner.ascii(start, scanner.at));
  return Number.isInteger(value) ? value : NaN;
}

/**
 * Reads a 64-bit integer exactly into the two words of `index`, low one first; false where it is none or out of range.
 */
export function readInt64(scanner: JsonScanner, words: Uint32Array, index: number, isSigned: boolean): boolean {
  if (!beginsNumber(scanner)) return false;
  const start = scanner.at;
  const isPlain = scanner.skipNumber();
  if (isPlain && scanner.at - start <= 15) {
    const value = plainInteger(scanner.bytes, start, scanner.at);
    if (value < 0 && !isSigned) return false;
    // Storing into words of 32 bits wraps, which is two's complement.
    words[2 * index] = value;
    words[2 * index + 1] = Math.floor(value / 2 ** 32);
    return true;
  }
  const text = scanner.ascii(start, scanner.at);
  let value: bigint;
  if (isPlain) {
    // No 64-bit integer has more digits; the conversion of a million of them would take seconds.
    if (text.length > 20) return false;
    value = BigInt(text);
  } else {
    const number = Number(text);
    if (!Number.isSafeInteger(number)) return false;
    value = BigInt(number);
  }
  if (isSigned ? BigInt.asIntN(64, value) !== value : BigInt.asUintN(64, value) !== value) return false;
  words[2 * index] = Number(value & 0xffff_ffffn);
  words[2 * index + 1] = Number((value >> 32n) & 0xffff_ffffn);
  return true;
}

function beginsNumber(scanner: JsonScanner): boolean {
  const byte = scanner.peek();
  if (byte >= 0x30 && byte <= 0x39) return true;
  const following = scanner.at + 1 < scanner.end ? (scanner.bytes[scanner.at + 1] ?? 0) : 0;
  return byte === 0x2d && following >= 0x30 && following <= 0x39;
}

/** The integer that the digits from `start` to `stop` (at most 15, after a minus or none) stand for. */
export function plainInteger(bytes: Uint8Array, start: number, stop: number): number {
  const isNegative = bytes[start] === 0x2d;
  let value = 0;
  for (let at = isNegative ? start + 1 : start; at < stop; at++) value = value * 10 + (bytes[at] ?? 0) - 0x30;
  return isNegative ? -value : value;
}
