import { CsvError, parse } from 'csv-parse/sync';
import { MusterError, type Row, type RowPlan, tableRows, textCell } from '@muster-ml/protocol';

/** Longest line of CSV, in characters. */
const maxLineLength = 1024 * 1024;

/**
 * Reads rows of CSV as MLflow's scoring server does: the first line names the columns, in any order; columns that the
 * model does not have are dropped. Throws `invalid_rows`, naming a line, never a value.
 */
export function readInvocationCsv(body: Uint8Array, plan: RowPlan, maxRows: number): Row[] {
  let records: string[][];
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(body);
    records = parse(text, {
      skip_empty_lines: true,
      max_record_size: maxLineLength,
      to: maxRows + 2,
    });
  } catch (error) {
    const lines = error instanceof CsvError ? (error as CsvError & { readonly lines?: unknown }).lines : undefined;
    const where = typeof lines === 'number' ? ` (line ${lines})` : '';
    throw new MusterError('invalid_rows', `Failed to parse input as a table of CSV in UTF-8${where}`, {
      place: 'body',
    });
  }
  const [header, ...lines] = records;
  if (header === undefined)
    throw new MusterError('invalid_rows', 'there is no line that names the columns', { place: 'line 1' });
  if (lines.length > maxRows)
    throw new MusterError('invalid_rows', `there are more than ${maxRows} rows`, { place: `row ${maxRows + 1}` });
  return tableRows(header, lines, plan, textCell);
}
