import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createLineReader } from './line-reader.ts';

test('lines come out whole, however the stream is cut', () => {
  fc.assert(
    fc.property(
      fc.array(
        fc.string({ unit: 'grapheme' }).map((text) => text.replaceAll('\n', ' ')),
        { maxLength: 6 },
      ),
      fc.array(fc.nat({ max: 200 }), { maxLength: 8 }),
      (lines, places) => {
        const bytes = Buffer.from(lines.map((line) => `${line}\n`).join(''));
        const edges = [
          0,
          ...places.map((place) => Math.min(place, bytes.length)).toSorted((left, right) => left - right),
          bytes.length,
        ];
        const read: string[] = [];
        const reader = createLineReader(10_000, (line) => read.push(line));
        for (let index = 1; index < edges.length; index += 1)
          expect(reader(bytes.subarray(edges[index - 1], edges[index]))).toBe(true);
        expect(read).toEqual(lines);
      },
    ),
  );
});

test('a line that is too long ends the stream, before and after its end has come', () => {
  expect(createLineReader(3, () => undefined)(Buffer.from('1234'))).toBe(false);
  expect(createLineReader(3, () => undefined)(Buffer.from('1234\n'))).toBe(false);
  expect(createLineReader(3, () => undefined)(Buffer.from('123\n123\n'))).toBe(true);
});
