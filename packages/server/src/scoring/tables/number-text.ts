/** The powers of ten that a double holds exactly. */
const powersOfTen = Array.from({ length: 23 }, (_, exponent) => Number(`1e${exponent}`));
/** Digits that are added up without a rounding; what follows is added up apart. */
const headDigits = 15;
const mostTailDigits = 7;

/**
 * The number that bytes write as `-12.5e3`, the same that `Number` reads of the text, and several times faster. Undefined for
 * what is no such number, and for the few whose nearest double this arithmetic cannot be sure of.
 *
 * Up to 15 digits are one whole number below 2^53 times or through one power of ten up to 22, which rounds once (Clinger
 * 1990). Up to 22, as a double is written in full, the whole number and its quotient are kept as sums of two doubles
 * (Dekker 1971); the result counts only where what may be wrong with the smaller one does not change it.
 */
export function plainNumber(bytes: Uint8Array, start: number, end: number): number | undefined {
  let at = start;
  const isNegative = bytes[at] === 0x2d;
  if (isNegative) at++;
  let head = 0;
  let tail = 0;
  let significant = 0;
  let tailDigits = 0;
  let digits = 0;
  let point = -1;
  for (; at < end; at++) {
    const byte = bytes[at] ?? 0;
    const digit = byte - 0x30;
    if (digit < 0 || digit > 9) {
      if (byte !== 0x2e || point >= 0) break;
      point = at;
      continue;
    }
    digits++;
    if (significant < headDigits) {
      head = head * 10 + digit;
      if (head !== 0) significant++;
    } else {
      tail = tail * 10 + digit;
      tailDigits++;
    }
  }
  let scale = point < 0 ? 0 : at - point - 1;
  if (at < end && digits > 0 && ((bytes[at] ?? 0) | 0x20) === 0x65) {
    const sign = bytes[++at];
    const isSmall = sign === 0x2d;
    if (isSmall || sign === 0x2b) at++;
    const first = at;
    let exponent = 0;
    for (; at < end && at - first < 4; at++) {
      const digit = (bytes[at] ?? 0) - 0x30;
      if (digit < 0 || digit > 9) break;
      exponent = exponent * 10 + digit;
    }
    if (at === first) return undefined;
    scale += isSmall ? exponent : -exponent;
  }
  if (at !== end || digits === 0 || scale > 22 || scale < -22 || tailDigits > mostTailDigits) return undefined;
  const value = tailDigits === 0 ? scaled(head, scale) : quotient(head, tail, tailDigits, scale);
  return value !== undefined && isNegative ? -value : value;
}

function scaled(whole: number, scale: number): number {
  return scale >= 0 ? whole / (powersOfTen[scale] ?? 1) : whole * (powersOfTen[-scale] ?? 1);
}

/** `(head × 10^tailDigits + tail) / 10^scale`, where it is certain. */
function quotient(head: number, tail: number, tailDigits: number, scale: number): number | undefined {
  if (scale < 0) return undefined;
  const shift = powersOfTen[tailDigits] ?? 1;
  const product = head * shift;
  const rest = productError(head, shift, product) + tail;
  const whole = product + rest;
  const low = rest - (whole - product);
  const power = powersOfTen[scale] ?? 1;
  const first = whole / power;
  const back = first * power;
  const correction = (whole - back - productError(first, power, back) + low) / power;
  const least = first + correction * (1 - 2 ** -40);
  return least === first + correction * (1 + 2 ** -40) ? least : undefined;
}

/** What the product of two doubles lost to rounding, exactly. */
function productError(a: number, b: number, product: number): number {
  const splitter = 2 ** 27 + 1;
  const aHigh = splitter * a - (splitter * a - a);
  const bHigh = splitter * b - (splitter * b - b);
  const aLow = a - aHigh;
  const bLow = b - bHigh;
  return aLow * bLow - (product - aHigh * bHigh - aLow * bHigh - aHigh * bLow);
}
