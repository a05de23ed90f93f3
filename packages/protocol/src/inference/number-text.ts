import { roundToBfloat16, fromBfloat16 } from './bfloat16.ts';

const powersOfTen = Array.from({ length: 23 }, (_, exponent) => Number(`1e${exponent}`));

/** A double as JSON: what JSON has no number for as a string, `-0.0` with its sign, which Python keeps. */
export function doubleText(value: number): string {
  if (value !== value) return '"NaN"';
  if (value === Infinity) return '"Infinity"';
  if (value === -Infinity) return '"-Infinity"';
  if (value === 0 && 1 / value < 0) return '-0.0';
  return String(value);
}

/**
 * A float32 as the shortest decimal that reads back as the same float32: 0.1, not 0.10000000149011612.
 *
 * Six digits always read back differently if they differ, so the first count of digits from six on that reads back is
 * the shortest (a shorter one shows as zeros at the end, which `String` leaves out). The candidate is one integer of
 * at most nine digits over one exact power of ten, so it is the double nearest to its decimal, and `String` prints it.
 */
export function singleText(value: number): string {
  if (isPlainInteger(value)) return String(value);
  if (!Number.isFinite(value) || value === 0) return doubleText(value);
  const size = Math.abs(value);
  if (size < 1e-13 || size >= 1e22) return shortestText(value, Math.fround, 9);
  // Two float32 are too far apart for a logarithm to be rounded up to the next whole one.
  const exponent = Math.floor(Math.log10(size));
  for (let digits = 6; digits <= 9; digits++) {
    const shift = digits - 1 - exponent;
    if (shift > 22) break;
    const scale = powersOfTen[shift < 0 ? -shift : shift] ?? 1;
    const candidate = shift < 0 ? Math.round(size / scale) * scale : Math.round(size * scale) / scale;
    if (Math.fround(candidate) === size) return String(value < 0 ? -candidate : candidate);
  }
  return shortestText(value, Math.fround, 9);
}

/** A float16 as the shortest decimal that reads back as the same one. */
export function halfText(value: number): string {
  return shortestText(value, Math.f16round, 5);
}

/** A bfloat16 as the shortest decimal that reads back as the same one. */
export function bfloat16Text(bits: number): string {
  return shortestText(fromBfloat16(bits), (value) => fromBfloat16(roundToBfloat16(value)), 4);
}

function shortestText(value: number, round: (value: number) => number, maxDigits: number): string {
  if (!Number.isFinite(value) || value === 0) return doubleText(value);
  if (isPlainInteger(value)) return String(value);
  for (let digits = 1; digits < maxDigits; digits++) {
    const candidate = Number(value.toPrecision(digits));
    if (round(candidate) === value) return String(candidate);
  }
  return String(Number(value.toPrecision(maxDigits)));
}

/** An integer that is written out, even where fewer digits would read back: 65504 is what a float16 holds, 65500 is not. */
function isPlainInteger(value: number): boolean {
  return value !== 0 && Number.isInteger(value) && value < 0x1000000 && value > -0x1000000;
}
