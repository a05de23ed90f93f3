import fc from 'fast-check';
import { expect, test } from 'vitest';
import { wrapped } from './show-facts.ts';

test('a long fact wraps at spaces, and a pipe gets it whole', () => {
  expect(wrapped('mean radius, mean texture', 14)).toEqual(['mean radius,', 'mean texture']);
  expect(wrapped('mean radius, mean texture', Infinity)).toEqual(['mean radius, mean texture']);
  expect(wrapped('a-very-long-word b', 4)).toEqual(['a-very-long-word', 'b']);
});

test('wrapping loses nothing', () => {
  fc.assert(
    fc.property(fc.string(), fc.integer({ min: 1, max: 40 }), (text, width) => wrapped(text, width).join(' ') === text),
  );
});
