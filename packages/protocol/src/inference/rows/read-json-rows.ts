import { MusterError } from '../../errors/muster-error.ts';
import { JsonScanner, maxDepth } from '../json-scanner.ts';
import { quoteName } from '../shape.ts';
import type { Cell, Row } from './cell.ts';
import { nearestName } from './nearest-name.ts';
import type { RowPlan } from './row-plan.ts';

const openBrace = 0x7b;
const closeBrace = 0x7d;
const openBracket = 0x5b;
const closeBracket = 0x5d;
const quote = 0x22;

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
    row[index] = readCell(scanner, `${place}.${name}`, 0);
    guess = index + 1;
  } while (scanner.more(closeBrace));
  return row;
}

function readCell(scanner: JsonScanner, place: string, depth: number): Cell {
  const byte = scanner.peek();
  if (byte === quote) return scanner.string();
  if (byte === openBracket) {
    if (depth === maxDepth) throw scanner.fault(`values may nest at most ${maxDepth} deep`);
    const cells: Cell[] = [];
    if (scanner.open(openBracket, closeBracket)) {
      do cells.push(readCell(scanner, place, depth + 1));
      while (scanner.more(closeBracket));
    }
    return cells;
  }
  if (scanner.word('null') || scanner.word('NaN')) return null;
  if (scanner.word('true')) return true;
  if (scanner.word('false')) return false;
  if (scanner.word('Infinity')) return Infinity;
  if (scanner.word('-Infinity')) return -Infinity;
  if (byte === 0x2d || (byte >= 0x30 && byte <= 0x39)) return readNumber(scanner, place);
  throw notRows(scanner, `${place} must be a value or a list of values`, place);
}

function readNumber(scanner: JsonScanner, place: string): number | bigint {
  const start = scanner.at;
  const isInteger = scanner.skipNumber();
  const text = scanner.ascii(start, scanner.at);
  const value = Number(text);
  if (!Number.isFinite(value)) throw invalid(`${place} is larger than any number`, place);
  if (!isInteger || Number.isSafeInteger(value)) return value;
  // Integers of 64 bits have up to 20 characters; longer ones can only be meant as floats.
  return text.length <= 20 ? BigInt(text) : value;
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
