import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { MusterError } from '../errors/muster-error.ts';
import { JsonScanner } from './json-scanner.ts';

const encoder = new TextEncoder();

function accepts(bytes: Uint8Array): boolean {
  const scanner = new JsonScanner(bytes);
  try {
    scanner.skip();
    scanner.finish();
    return true;
  } catch (error) {
    expect(error).toBeInstanceOf(MusterError);
    return false;
  }
}

function parses(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

describe('the scanner', () => {
  test('accepts every JSON document', () => {
    fc.assert(
      fc.property(fc.jsonValue({ noUnicodeString: false }), fc.constantFrom(0, 1, 2), (value, space) => {
        expect(accepts(encoder.encode(JSON.stringify(value, undefined, space)))).toBe(true);
      }),
    );
  });

  test('agrees with JSON.parse on documents with a fault in them', () => {
    const edit = fc.record({
      at: fc.nat(),
      what: fc.constantFrom('', ',', ':', '"', '[', ']', '{', '}', '0', '-', '.', 'e', '\\', 'null', ' ', '\u0001'),
    });
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 3 }), fc.array(edit, { minLength: 1, maxLength: 3 }), (value, edits) => {
        let text = JSON.stringify(value);
        for (const { at, what } of edits) {
          const place = at % (text.length + 1);
          text = text.slice(0, place) + what + text.slice(what === '' ? place + 1 : place);
        }
        // Half a surrogate pair is JSON to JSON.parse, but no text.
        fc.pre(!/\\ud[89a-f]/i.test(text) && text.isWellFormed());
        expect(accepts(encoder.encode(text))).toBe(parses(text));
      }),
      { numRuns: 2000 },
    );
  });

  test('reads every string as JSON.parse does', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 100 }), fc.boolean(), (text, isEscaped) => {
        const json = isEscaped
          ? `"${Array.from({ length: text.length }, (_, i) => `\\u${text.charCodeAt(i).toString(16).padStart(4, '0')}`).join('')}"`
          : JSON.stringify(text);
        expect(new JsonScanner(encoder.encode(json)).string()).toBe(text);
      }),
    );
  });

  test('never throws anything but a MusterError, whatever the bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => void accepts(bytes)),
      { numRuns: 2000 },
    );
  });

  test.each([
    ['{"a":1,}', 'body:1:8'],
    ['{"a":\n  tru}', 'body:2:3'],
    ['[1 2]', 'body:1:4'],
    ['[01]', 'body:1:3'],
    ['"\\x"', 'body:1:2'],
    ['"\\ud800"', 'body:1:2'],
    ['[', 'body:1:2'],
    ['{} {}', 'body:1:4'],
    ['"a\u0001"', 'body:1:3'],
  ])('names the place of the fault in %j', (text, place) => {
    const scanner = new JsonScanner(encoder.encode(text));
    expect(() => {
      scanner.skip();
      scanner.finish();
    }).toThrow(expect.objectContaining({ code: 'invalid_json', place }) as Error);
  });

  test('refuses what nests more than 100 deep, however deep, and takes 100', () => {
    expect(accepts(encoder.encode('['.repeat(100) + ']'.repeat(100)))).toBe(true);
    expect(accepts(encoder.encode('['.repeat(101) + ']'.repeat(101)))).toBe(false);
    expect(accepts(encoder.encode('{"a":'.repeat(1_000_000)))).toBe(false);
  });

  test('refuses strings that are not UTF-8', () => {
    for (const bad of [[0xff], [0xc0, 0x80], [0xed, 0xa0, 0x80], [0xf4, 0x90, 0x80, 0x80], [0xe2, 0x82]]) {
      expect(accepts(Uint8Array.from([0x22, ...bad, 0x22]))).toBe(false);
    }
  });
});
