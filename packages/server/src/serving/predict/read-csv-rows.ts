import { CsvError, parse } from 'csv-parse/sync';
import { MusterError, type Row, type RowPlan, nearestName, quoteName, textCell } from '@muster-ml/protocol';

/** Longest line of CSV, in characters. */
const maxLineLength = 1024 * 1024;

/**
 * Reads rows of CSV (RFC 4180, UTF-8). The first line names the columns, in any order; all must be the model's. Throws
 * `invalid_csv` naming line and column, never a value.
 */
export function readCsvRows(body: Uint8Array, plan: RowPlan, maxRows: number): Row[] {
  const [header, ...records] = parseCsv(body, plan, maxRows);
  if (header === undefined) throw invalid('there is no line that names the columns', 'line 1');
  const columns = header.map((name) => columnIndex(name, plan));
  const seen = new Set<number>();
  for (const index of columns) {
    if (seen.has(index))
      throw invalid(`the column ${quoteName(plan.columns[index]?.name ?? '')} is there twice`, 'line 1');
    seen.add(index);
  }
  const missing = plan.columns
    .filter((column, index) => !column.isOptional && !seen.has(index))
    .map((column) => quoteName(column.name));
  if (missing.length > 0) throw invalid(`columns are missing: ${some(missing)}`, 'line 1');
  if (records.length > maxRows) throw invalid(`there are more than ${maxRows} rows`, `row ${maxRows + 1}`);
  return records.map((record) => {
    const row = new Array<Row[number]>(plan.columns.length).fill(undefined);
    for (let i = 0; i < columns.length; i++) {
      const index = columns[i] ?? -1;
      const column = plan.columns[index];
      if (column !== undefined) row[index] = textCell(record[i] ?? '', column);
    }
    return row;
  });
}

function parseCsv(body: Uint8Array, plan: RowPlan, maxRows: number): string[][] {
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(body);
  } catch {
    throw invalid('the text is not UTF-8', 'body');
  }
  try {
    // With a single column, an empty line is a row whose value is unknown.
    return parse(text, { skip_empty_lines: plan.columns.length > 1, max_record_size: maxLineLength, to: maxRows + 2 });
  } catch (error) {
    throw error instanceof CsvError ? csvFault(error) : error;
  }
}

/** What the parser found, in our words: its own hold pieces of the text. */
function csvFault(error: CsvError): MusterError {
  const { lines } = error as CsvError & { readonly lines?: unknown };
  const place = typeof lines === 'number' ? `line ${lines}` : 'body';
  switch (error.code) {
    case 'CSV_RECORD_INCONSISTENT_FIELDS_LENGTH':
    case 'CSV_RECORD_INCONSISTENT_COLUMNS':
      return invalid('the line has another number of fields than the first', place);
    case 'CSV_MAX_RECORD_SIZE':
      return invalid(`the line is longer than ${maxLineLength} characters`, place);
    case 'CSV_QUOTE_NOT_CLOSED':
      return invalid('a quote is opened and never closed', place);
    case 'INVALID_OPENING_QUOTE':
    case 'CSV_INVALID_CLOSING_QUOTE':
      return invalid('a quote stands within a field; write it twice and quote the field', place);
    default:
      return invalid('the text is not CSV', place);
  }
}

function columnIndex(header: string, plan: RowPlan): number {
  const name = plan.byName.has(header) ? header : header.trim();
  const index = plan.byName.get(name);
  if (index !== undefined) return index;
  const nearest = nearestName(name, plan.byName.keys());
  const hint = nearest === undefined ? '' : `; did you mean ${quoteName(nearest)}?`;
  throw invalid(`the model has no column ${quoteName(name)}${hint}`, 'line 1');
}

function some(names: readonly string[]): string {
  return names.length <= 10 ? names.join(', ') : `${names.slice(0, 10).join(', ')} and ${names.length - 10} more`;
}

function invalid(message: string, place: string): MusterError {
  return new MusterError('invalid_csv', `${place}: ${message}`, { place });
}
