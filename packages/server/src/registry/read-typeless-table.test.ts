import { byteElements, missingText } from '@muster-ml/protocol';
import { describe, expect, test } from 'vitest';
import { doubles } from '../../test-support/python-twin.ts';
import { readTypelessTable } from './read-typeless-table.ts';

const read = (csv: string) => readTypelessTable(csv, 'body.sampleCsv');
const column = (...cells: string[]) => read(['c,other', ...cells.map((cell) => `${cell},1`)].join('\n'))[0];

describe('a CSV tells the types of its columns by what is in them', () => {
  test.each([
    ['whole numbers', ['1', '2']],
    ['numbers with a gap', ['1', '', '2.5e3']],
    ['numbers among words for none', ['NaN', '-1', 'null']],
    ['infinity', ['inf', '-inf']],
    ['nothing at all', ['', '']],
  ])('%s are FP64', (_what, cells) => {
    expect(column(...cells)).toMatchObject({ datatype: 'FP64', shape: [cells.length] });
  });

  test.each([
    ['words', ['Bonn', 'Ulm']],
    ['numbers and words', ['1', 'Ulm']],
    ['words that could stand for no number', ['NA', 'null']],
    ['truths with a gap', ['true', '']],
    ['dates', ['2024-01-01', '2024-01-02']],
  ])('%s are text', (_what, cells) => {
    expect(column(...cells)).toMatchObject({ datatype: 'BYTES' });
  });

  test('truths without a gap are BOOL, as pandas and R write them', () => {
    expect(column('True', 'FALSE')).toEqual({ name: 'c', datatype: 'BOOL', shape: [2], bytes: Uint8Array.of(1, 0) });
  });

  test('a missing value is NaN among numbers and the mark for it among texts, where an empty cell is missing', () => {
    expect(column('1', '')).toEqual(doubles('c', 1, Number.NaN));
    const texts = byteElements(column('Bonn', '')?.bytes ?? new Uint8Array());
    expect(texts).toEqual([new TextEncoder().encode('Bonn'), missingText]);
  });

  test('a text keeps its blanks; a number may have some', () => {
    expect(byteElements(column(' Bonn ', 'x')?.bytes ?? new Uint8Array())[0]).toEqual(
      new TextEncoder().encode(' Bonn '),
    );
    expect(column(' 1 ', '2 ')).toEqual(doubles('c', 1, 2));
  });

  test.each([
    ['a column without a name', 'a,\n1,2\n', 'no name'],
    ['a column twice', 'a,a\n1,2\n', 'twice'],
    ['no rows', 'a,b\n', 'at least one row'],
    ['rows of another length', 'a,b\n1\n', ''],
  ])('%s is refused', (_what, csv, message) => {
    expect(() => read(csv)).toThrow(message);
    expect(() => read(csv)).toThrow(expect.objectContaining({ code: 'invalid_sample', place: 'body.sampleCsv' }));
  });
});
