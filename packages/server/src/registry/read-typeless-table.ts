import { type Datatype, MusterError, type Tensor } from '@muster-ml/protocol';
import { encodeCells, numberIn } from './encode-cells.ts';
import { parseCsv } from './parse-csv.ts';

/**
 * The columns of a CSV for a model that does not say what types it takes: numbers are FP64, true and false BOOL, all
 * else text; a missing number is NaN, a missing text `missingText`. Throws `invalid_sample`, at the place.
 */
export function readTypelessTable(csv: string, place: string): readonly Tensor[] {
  const { header, rows } = parseCsv(csv, place);
  if (header.includes('')) {
    throw new MusterError('invalid_sample', 'a column has no name', {
      place,
      remedy: 'Leave the index out; pandas does with to_csv(index=False).',
    });
  }
  return header.map((name, column) => {
    const cells = rows.map((row) => row[column] ?? '');
    const datatype = typeOf(cells);
    const bytes = encodeCells(
      datatype === 'BYTES' ? cells.map((cell) => (cell === '' ? null : cell)) : cells,
      datatype,
    );
    if (bytes instanceof Uint8Array) return { name, datatype, shape: [cells.length], bytes };
    throw new MusterError('invalid_sample', `row ${bytes.unfitIndex + 1}, column ${name}: not a value of ${datatype}`, {
      place,
    });
  });
}

/** What every cell of a column is. Words that may stand for a missing number make no column one of numbers. */
function typeOf(cells: readonly string[]): Datatype {
  const texts = cells.map((cell) => cell.trim());
  const filled = texts.filter((text) => text !== '');
  const numbers = filled.map((text) => numberIn(text));
  if (filled.length === 0) return 'FP64';
  if (!numbers.includes(undefined) && numbers.some((number) => !Number.isNaN(number))) return 'FP64';
  const isTruth = texts.every((text) => ['true', 'false'].includes(text.toLowerCase()));
  return isTruth ? 'BOOL' : 'BYTES';
}
