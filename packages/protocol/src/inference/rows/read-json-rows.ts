import { MusterError } from '../../errors/muster-error.ts';
import { JsonScanner } from '../json-scanner.ts';
import { quoteName } from '../shape.ts';
import type { Cell, Row } from './cell.ts';
import { nearestName } from './nearest-name.ts';
import { readCell } from './read-cell.ts';
import type { RowPlan } from './row-plan.ts';

const openBrace = 0x7b;
const closeBrace = 0x7d;
const openBracket = 0x5b;
const closeBracket = 0x5d;

/**
 * Reads `{"rows": [{"field": value, …}, …]}`. Throws `invalid_json`, and `invalid_rows` naming row and field: at most
 * `maxRows` rows, no field that the model does not have, no field twice.
 */
export function readJsonRows(bytes: Uint8Array, plan: RowPlan, maxRows: number): Row[] {
  const scanner = new JsonScanner(bytes);
  let rows: Row[] | undefined;
  if (scanner.peek() !== openBrace) throw notRows(scanner, 'the body must be an object with "rows"', 'body');
  if (scanner.open(openBrace, closeBrace)) {
    do {
      const key = scanner.key();
      if (key !== 'rows') throw invalid(`the body has ${quoteName(key)}; "rows" is all it may have`, key);
      if (scanner.peek() !== openBracket) throw notRows(scanner, '"rows" must be a list', 'rows');
      rows = readRows(scanner, plan, maxRows);
    } while (scanner.more(closeBrace));
  }
  scanner.finish();
  if (rows === undefined) throw invalid('"rows" is missing', 'rows');
  return rows;
}

function readRows(scanner: JsonScanner, plan: RowPlan, maxRows: number): Row[] {
  const rows: Row[] = [];
  if (!scanner.open(openBracket, closeBracket)) return rows;
  do {
    if (rows.length === maxRows) throw invalid(`there are more than ${maxRows} rows`, 'rows');
    const place = `rows[${rows.length}]`;
    if (scanner.peek() !== openBrace) throw notRows(scanner, `${place} must be an object of fields`, place);
    rows.push(readRow(scanner, plan, place));
  } while (scanner.more(closeBracket));
  return rows;
}

function readRow(scanner: JsonScanner, plan: RowPlan, place: string): Row {
  const row = new Array<Cell | undefined>(plan.columns.length).fill(undefined);
  if (!scanner.open(openBrace, closeBrace)) return row;
  let guess = 0;
  do {
    const name = scanner.key();
    // Rows mostly have their fields in the same order: the next column is the likely one.
    const index = plan.columns[guess]?.name === name ? guess : (plan.byName.get(name) ?? -1);
    if (index < 0) throw unknownField(name, place, plan);
    if (row[index] !== undefined) throw invalid(`${place} has ${quoteName(name)} twice`, `${place}.${name}`);
    row[index] = readCell(scanner, plan.columns[index], `${place}.${name}`);
    guess = index + 1;
  } while (scanner.more(closeBrace));
  return row;
}

/** The error of a field that the model does not have. */
export function unknownField(name: string, place: string, plan: RowPlan): MusterError {
  const nearest = nearestName(name, plan.byName.keys());
  const hint = nearest === undefined ? '' : `; did you mean ${quoteName(nearest)}?`;
  return invalid(`${place}: the model has no field ${quoteName(name)}${hint}`, place);
}

function notRows(scanner: JsonScanner, message: string, place: string): MusterError {
  scanner.skip();
  return invalid(message, place);
}

function invalid(message: string, place: string): MusterError {
  return new MusterError('invalid_rows', message, { place });
}
