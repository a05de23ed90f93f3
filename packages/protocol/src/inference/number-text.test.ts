import fc from 'fast-check';
import { expect, test } from 'vitest';
import { fromBfloat16, roundToBfloat16 } from './bfloat16.ts';
import { bfloat16Text, doubleText, halfText, singleText } from './number-text.ts';

const bits32 = fc.integer({ min: 0, max: 0xffff_ffff });

function fromBits(bits: number): number {
  return new Float32Array(Uint32Array.of(bits).buffer)[0] ?? 0;
}

function significant(text: string): number {
  return text.replace(/e.*|[-.]/g, '').replace(/^0+|0+$/g, '').length;
}

test('a float32 is written with the fewest digits that read back as the same float32', () => {
  fc.assert(
    fc.property(fc.oneof(bits32.map(fromBits), fc.float({ min: -1000, max: 1000 })), (value) => {
      if (!Number.isFinite(value)) return;
      const text = singleText(value);
      expect(Object.is(Math.fround(Number(text)), value)).toBe(true);
      let fewest = 1;
      while (Math.fround(Number(value.toPrecision(fewest))) !== value) fewest++;
      // Whole numbers are written out: 16777215 takes no exponent.
      if (!Number.isInteger(value)) expect(significant(text)).toBeLessThanOrEqual(fewest);
    }),
    { numRuns: 5000 },
  );
});

test.each([
  [Math.fround(0.1), '0.1'],
  [Math.fround(1 / 3), '0.33333334'],
  [16_777_216, '16777216'],
  [Math.fround(1e-7), '1e-7'],
  [1.401298464324817e-45, '1e-45'],
  [3.4028234663852886e38, '3.4028235e+38'],
  [-0, '-0.0'],
  [NaN, '"NaN"'],
  [-Infinity, '"-Infinity"'],
])('the float32 %d is written as %s', (value, text) => {
  expect(singleText(value)).toBe(text);
});

test('every double reads back as itself', () => {
  fc.assert(
    fc.property(fc.double({ noNaN: true, noDefaultInfinity: true }), (value) =>
      Object.is(Number(doubleText(value)), value),
    ),
  );
});

test('every float16 and every bfloat16 reads back as itself', () => {
  const words = new Uint16Array(1);
  const halves = new Float16Array(words.buffer);
  const different: number[] = [];
  for (let bits = 0; bits < 0x10000; bits++) {
    words[0] = bits;
    const half = halves[0] ?? 0;
    if (Number.isFinite(half) && !Object.is(Math.f16round(Number(halfText(half))), half)) different.push(bits);
    if (Number.isFinite(fromBfloat16(bits)) && roundToBfloat16(Number(bfloat16Text(bits))) !== bits)
      different.push(bits);
  }
  expect(different).toEqual([]);
});

test('a double is rounded to bfloat16 once, ties to even', () => {
  expect(roundToBfloat16(1 + 2 ** -8)).toBe(0x3f80);
  expect(roundToBfloat16(1 + 3 * 2 ** -8)).toBe(0x3f82);
  // A hair above the tie is lost when it is rounded to float32 first.
  expect(roundToBfloat16(1 + 2 ** -8 + 2 ** -40)).toBe(0x3f81);
  expect(roundToBfloat16(1 + 3 * 2 ** -8 - 2 ** -40)).toBe(0x3f81);
});
