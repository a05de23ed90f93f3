import canonicalize from 'canonicalize';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { canonicalJson, isCanonical } from './canonical-json.ts';

const text = fc.string({ unit: 'binary' }).filter((value) => value.isWellFormed());
const { value: anyValue } = fc.letrec((tie) => ({
  value: fc.oneof(
    { depthSize: 'small' },
    text,
    fc.maxSafeInteger(),
    fc.boolean(),
    fc.constant(null),
    fc.array(tie('value'), { maxLength: 4 }),
    fc.dictionary(text, tie('value'), { maxKeys: 4 }),
  ),
}));

describe('canonical JSON', () => {
  test('writes what the reference implementation of RFC 8785 writes', () => {
    fc.assert(fc.property(anyValue, (value) => canonicalJson(value) === canonicalize(value)));
  });

  test('equal values give equal bytes whatever the order of their members', () => {
    fc.assert(
      fc.property(fc.dictionary(text, fc.maxSafeInteger()), (object) => {
        const reversed = Object.fromEntries(Object.entries(object).toReversed());
        expect(canonicalJson(reversed)).toBe(canonicalJson(object));
      }),
    );
  });

  test('reads back as the same value', () => {
    fc.assert(
      fc.property(anyValue, (value) => {
        expect(JSON.parse(canonicalJson(value))).toEqual(value);
      }),
    );
  });

  test('orders names by UTF-16 code units', () => {
    expect(canonicalJson({ '😀': 1, '\ufb33': 2, a: 3, A: 4, 10: 5, 9: 6 })).toBe(
      '{"10":5,"9":6,"A":4,"a":3,"😀":1,"\ufb33":2}',
    );
  });

  test('leaves out what is undefined, writes -0 as 0', () => {
    expect(canonicalJson({ a: undefined, b: -0 })).toBe('{"b":0}');
  });

  test.each([
    [0.5],
    [Number.NaN],
    [2 ** 53],
    ['\ud800'],
    [{ '\ud800': 1 }],
    [new Date(0)],
    [new Map()],
    [1n],
    [[undefined]],
  ])('refuses %s, and names the place', (value) => {
    expect(() => canonicalJson({ a: value })).toThrow(/^\$\.a/);
  });
});

describe('a text', () => {
  test('is canonical where writing its value anew gives the same text', () => {
    fc.assert(
      fc.property(anyValue, (value) => {
        const canonical = canonicalJson(value);
        expect(isCanonical(canonical, JSON.parse(canonical))).toBe(true);
        const written = JSON.stringify(value);
        expect(isCanonical(written, JSON.parse(written))).toBe(written === canonical);
      }),
    );
  });

  test.each([
    '{"b":1,"a":2}',
    '{"a":1,"a":1}',
    '{"a": 1}',
    '{"a":1.0}',
    '{"a":0.5}',
    '{"a":-0}',
    '{"a":1e3}',
    '"\\ud800"',
    '"\\u0041"',
  ])('is not canonical: %s', (written) => {
    expect(isCanonical(written, JSON.parse(written))).toBe(false);
  });
});
