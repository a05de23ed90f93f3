import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type Column, renderTable } from './table.ts';
import { fitText, safeText, textWidth } from './text-width.ts';

interface Row {
  readonly name: string;
  readonly note: string;
}

const columns: Column<Row>[] = [
  { title: 'NAME', value: ({ name }) => name },
  { title: 'NOTE', value: ({ note }) => note, shrinks: true },
];

test('a table fits the terminal by shortening the columns that may shrink, and never a name', () => {
  const table = renderTable([{ name: 'fraud-eu', note: 'the quick brown fox jumps' }], columns, {
    width: 24,
    ellipsis: '…',
  });
  expect(table.split('\n')).toEqual(['NAME      NOTE', 'fraud-eu  the quick bro…']);
});

test('a pipe gets whole cells', () => {
  expect(renderTable([{ name: 'a', note: 'x'.repeat(300) }], columns, { width: Infinity, ellipsis: '…' })).toContain(
    'x'.repeat(300),
  );
});

test('no line is wider than the terminal, whatever the text, as long as the names leave room', () => {
  fc.assert(
    fc.property(
      fc.array(fc.record({ name: fc.string({ maxLength: 10 }), note: fc.string({ unit: 'grapheme' }) })),
      fc.integer({ min: 20, max: 100 }),
      (rows, width) => {
        for (const line of renderTable(rows, columns, { width, ellipsis: '…' }).split('\n'))
          expect(textWidth(line)).toBeLessThanOrEqual(width);
      },
    ),
  );
});

test('columns stay aligned where characters take two columns', () => {
  const lines = renderTable(
    [
      { name: '日本', note: 'a' },
      { name: 'fraud', note: 'b' },
    ],
    columns,
    { width: 80, ellipsis: '…' },
  ).split('\n');
  expect(lines.slice(1).map((line) => textWidth(line.slice(0, line.search(/[ab]$/))))).toEqual([7, 7]);
});

test('text is cut between characters, never inside one', () => {
  expect(fitText('日本語', 5, '…')).toBe('日本…');
  expect(fitText('👩‍👩‍👧x', 2, '…')).toBe('…');
});

test('text of others cannot steer the terminal', () => {
  expect(safeText('\u001b[31mred\u001b]0;title\u0007 \u202ereversed \u0008x')).toBe('red reversed x');
});
