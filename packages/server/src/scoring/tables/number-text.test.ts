import fc from 'fast-check';
import { expect, test } from 'vitest';
import { plainNumber } from './number-text.ts';

const read = (text: string): number | undefined => plainNumber(Buffer.from(`,${text},`), 1, 1 + text.length);

test('a number is the one that JavaScript reads, or none', () => {
  const digits = fc.stringMatching(/^-?\d{1,24}(\.\d{0,24})?([eE][+-]?\d{1,3})?$/);
  const double = fc.double({ noNaN: true, noDefaultInfinity: true }).map(String);
  const near = fc
    .tuple(fc.double({ min: 1, max: 1e6, noNaN: true }), fc.nat(9))
    .map(([x, digit]) => `${x}${x % 1 === 0 ? '.' : ''}${digit}`);
  fc.assert(
    fc.property(fc.oneof(digits, double, near), (text) => {
      const found = read(text);
      if (found !== undefined) expect(Object.is(found, Number(text))).toBe(true);
    }),
    { numRuns: 20_000 },
  );
});

test('halves between two doubles are left to others or read right', () => {
  fc.assert(
    fc.property(fc.integer({ min: 2 ** 40, max: 2 ** 45 }), (whole) => {
      // Between two neighbours at this size lies exactly what has one bit more.
      const text = `${whole}.00390625`;
      const found = read(text);
      if (found !== undefined) expect(found).toBe(Number(text));
    }),
  );
});

test('numbers as programs write them are all read', () => {
  fc.assert(
    fc.property(fc.double({ min: 1e-4, max: 1e6, noNaN: true }), (value) => {
      expect(read(String(value))).toBe(value);
      expect(read(String(-value))).toBe(-value);
    }),
    { numRuns: 5000 },
  );
});

test.each(['', '-', '.', 'e5', '1e', '1e+', '1.2.3', '1 ', 'NaN', '0x1', '1_0', '+1'])('"%s" is none', (text) => {
  expect(read(text)).toBeUndefined();
});
