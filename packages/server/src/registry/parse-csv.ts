import { MusterError } from '@muster-ml/protocol';
import { CsvError, parse } from 'csv-parse/sync';
import { duplicateIn } from './apply-hints.ts';

/** Rows beyond these would only make replicas slower to warm up. */
const maxRows = 64;

/** Rows under names, as a file of text holds them: every cell is text. */
export interface TextTable {
  /** Trimmed and different from each other; one may be empty. */
  readonly header: readonly string[];
  /** At least one. */
  readonly rows: readonly (readonly string[])[];
}

/** The first rows of a CSV with a header. Throws `invalid_sample`, at the place. */
export function parseCsv(csv: string, place: string): TextTable {
  let records: string[][];
  try {
    records = parse(csv, { bom: true, skip_empty_lines: true, to: maxRows + 1, max_record_size: 1_000_000 });
  } catch (error) {
    if (!(error instanceof CsvError)) throw error;
    throw new MusterError('invalid_sample', error.message, { place, cause: error });
  }
  const [header, ...rows] = records;
  if (header === undefined || rows.length === 0) {
    throw new MusterError('invalid_sample', 'a sample needs a line that names the columns, and at least one row', {
      place,
    });
  }
  const names = header.map((name) => name.trim());
  const twice = duplicateIn(names);
  if (twice !== undefined) throw new MusterError('invalid_sample', `the column ${twice} is there twice`, { place });
  return { header: names, rows };
}
