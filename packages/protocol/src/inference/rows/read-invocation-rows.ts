import { MusterError } from '../../errors/muster-error.ts';
import { JsonScanner } from '../json-scanner.ts';
import { quoteName } from '../shape.ts';
import type { Cell, Row } from './cell.ts';
import { readCell } from './read-cell.ts';
import type { RowPlan } from './row-plan.ts';

const openBrace = 0x7b;
const closeBrace = 0x7d;
const openBracket = 0x5b;
const closeBracket = 0x5d;
const quote = 0x22;

const inputFields = ['dataframe_split', 'dataframe_records', 'instances', 'inputs'] as const;
/** A body with one of these is passed on unwrapped, as clients of language models send it. */
const unwrappedFields = ['messages', 'prompt', 'input'] as const;

type InputField = (typeof inputFields)[number];

/** What a body for MLflow's scoring server holds. */
export type InvocationBody =
  | { readonly kind: 'rows'; readonly rows: Row[] }
  /** The body is itself the document that the model takes. */
  | { readonly kind: 'unwrapped' };

/**
 * Reads what clients of `mlflow models serve` send as JSON: `dataframe_split`, `dataframe_records`, `instances` or
 * `inputs`, and `params`, which no model here takes and which are passed over. Columns that the model does not have are
 * dropped and the others put into its order, as MLflow does; a column is missing where it is in no row.
 *
 * Source: the schema enforcement of MLflow's `pyfunc`. Throws `invalid_json` and `invalid_rows`.
 */
export function readInvocationRows(bytes: Uint8Array, plan: RowPlan, maxRows: number): InvocationBody {
  const scanner = new JsonScanner(bytes);
  if (scanner.peek() !== openBrace) {
    scanner.skip();
    throw wrongFields([]);
  }
  const keys: string[] = [];
  let found: { readonly field: InputField; readonly at: number } | undefined;
  if (scanner.open(openBrace, closeBrace)) {
    do {
      const key = scanner.key();
      keys.push(key);
      scanner.peek();
      const field = inputFields.find((known) => known === key);
      if (field !== undefined) {
        if (found !== undefined) throw wrongFields(keys);
        found = { field, at: scanner.at };
      }
      // Its columns may be named behind its data: it is read once the whole is known to be well-formed.
      scanner.skip();
    } while (scanner.more(closeBrace));
  }
  scanner.finish();
  if (found === undefined) {
    if (keys.some((key) => unwrappedFields.some((known) => known === key))) return { kind: 'unwrapped' };
    throw wrongFields(keys);
  }
  const extra = keys.find((key) => key !== found.field && key !== 'params');
  if (extra !== undefined) throw wrongFields(keys);
  scanner.at = found.at;
  const rows = readField(scanner, found.field, plan, maxRows);
  return { kind: 'rows', rows: completeRows(rows, plan) };
}

/**
 * Rows of a table whose header names the columns in any order, with others among them: each line's texts in the model's
 * order. `cell` makes a value of a text.
 */
export function tableRows(
  header: readonly string[],
  lines: readonly (readonly string[])[],
  plan: RowPlan,
  cell: (text: string, column: RowPlan['columns'][number]) => Cell,
): Row[] {
  const positions = columnPositions(header, plan);
  const rows = lines.map((line) => {
    const row = emptyRow(plan);
    positions.forEach((index, position) => {
      const column = plan.columns[index];
      if (column !== undefined) row[index] = cell(line[position] ?? '', column);
    });
    return row;
  });
  return completeRows(rows, plan);
}

type OpenRow = (Cell | undefined)[];

function readField(scanner: JsonScanner, field: InputField, plan: RowPlan, maxRows: number): OpenRow[] {
  switch (field) {
    case 'dataframe_records':
      return readList(scanner, field, maxRows, (place) => {
        if (scanner.peek() !== openBrace) throw unfit(scanner, `${place} must be an object of columns`, place);
        return readRecord(scanner, plan, place);
      });
    case 'dataframe_split':
      return readSplit(scanner, plan, maxRows);
    case 'instances':
      return readInstances(scanner, field, plan, maxRows);
    case 'inputs':
      return scanner.peek() === openBrace
        ? readColumns(scanner, plan, maxRows)
        : readInstances(scanner, field, plan, maxRows);
  }
}

function readInstances(scanner: JsonScanner, field: string, plan: RowPlan, maxRows: number): OpenRow[] {
  return readList(scanner, field, maxRows, (place) =>
    scanner.peek() === openBrace && plan.columns[0]?.isJson !== true
      ? readRecord(scanner, plan, place)
      : readPositional(scanner, plan, undefined, place),
  );
}

/** `{"columns": […], "data": [[…], …]}`, and an `index` that says nothing. */
function readSplit(scanner: JsonScanner, plan: RowPlan, maxRows: number): OpenRow[] {
  const place = 'dataframe_split';
  if (scanner.peek() !== openBrace) throw unfit(scanner, `${place} must be an object with "data"`, place);
  let columns: string[] | undefined;
  let dataAt: number | undefined;
  if (scanner.open(openBrace, closeBrace)) {
    do {
      const key = scanner.key();
      if (key === 'columns') columns = readNames(scanner, `${place}.columns`);
      else {
        scanner.peek();
        if (key === 'data') dataAt = scanner.at;
        scanner.skip();
      }
    } while (scanner.more(closeBrace));
  }
  if (dataAt === undefined) throw invalid(`${place} has no "data"`, place);
  scanner.at = dataAt;
  const positions = columns === undefined ? undefined : columnPositions(columns, plan);
  return readList(scanner, `${place}.data`, maxRows, (at) => readPositional(scanner, plan, positions, at));
}

function readNames(scanner: JsonScanner, place: string): string[] {
  const names: string[] = [];
  if (scanner.peek() !== openBracket) throw unfit(scanner, `${place} must be a list of names`, place);
  if (!scanner.open(openBracket, closeBracket)) return names;
  do names.push(readName(scanner, place));
  while (scanner.more(closeBracket));
  return names;
}

/** A data frame without names has numbers for them. */
function readName(scanner: JsonScanner, place: string): string {
  const byte = scanner.peek();
  if (byte === quote) return scanner.string();
  const start = scanner.at;
  if (byte === 0x2d || (byte >= 0x30 && byte <= 0x39)) {
    scanner.skipNumber();
    return scanner.ascii(start, scanner.at);
  }
  throw unfit(scanner, `${place} must be a list of names`, place);
}

/**
 * Where each position of a table goes: the index of its column, -1 for one that the model does not have. Names that are
 * only numbers say nothing about a model whose columns have names: then the order counts.
 */
function columnPositions(names: readonly string[], plan: RowPlan): readonly number[] {
  const byName = names.map((name) => plan.byName.get(name) ?? -1);
  const isNumbered = names.every((name, index) => name === String(index));
  if (isNumbered && names.length === plan.columns.length && byName.includes(-1)) return [...plan.columns.keys()];
  return byName;
}

function readRecord(scanner: JsonScanner, plan: RowPlan, place: string): OpenRow {
  const row = emptyRow(plan);
  if (!scanner.open(openBrace, closeBrace)) return row;
  do {
    const name = scanner.key();
    const index = plan.byName.get(name);
    if (index === undefined) scanner.skip();
    else row[index] = readCell(scanner, plan.columns[index], `${place}.${name}`);
  } while (scanner.more(closeBrace));
  return row;
}

/** One row as a list of values; the value itself where the model takes a single one. */
function readPositional(
  scanner: JsonScanner,
  plan: RowPlan,
  positions: readonly number[] | undefined,
  place: string,
): OpenRow {
  const row = emptyRow(plan);
  const isSingle = plan.columns.length === 1 && positions === undefined;
  if (isSingle) {
    row[0] = readCell(scanner, plan.columns[0], place);
    return row;
  }
  if (scanner.peek() !== openBracket) throw unfit(scanner, `${place} must be a list of values`, place);
  const width = positions?.length ?? plan.columns.length;
  let position = 0;
  if (scanner.open(openBracket, closeBracket)) {
    do {
      const index = positions === undefined ? position : (positions[position] ?? -1);
      const column = plan.columns[index];
      if (position >= width) throw invalid(`${place} has more than ${width} values`, place);
      if (column === undefined) scanner.skip();
      else row[index] = readCell(scanner, column, `${place}[${position}]`);
      position++;
    } while (scanner.more(closeBracket));
  }
  if (position !== width) throw invalid(`${place} has ${position} values, not ${width}`, place);
  return row;
}

/** `{"column": [value, …], …}`: all columns equally long. A matrix of features may also go by the name of its input. */
function readColumns(scanner: JsonScanner, plan: RowPlan, maxRows: number): OpenRow[] {
  const rows: OpenRow[] = [];
  let length: number | undefined;
  if (!scanner.open(openBrace, closeBrace)) return rows;
  do {
    const name = scanner.key();
    const place = `inputs.${name}`;
    const index = plan.byName.get(name);
    if (index === undefined && plan.signature.inputs.length === 1 && plan.signature.inputs[0]?.name === name)
      return finishObject(scanner, readInstances(scanner, place, plan, maxRows));
    if (index === undefined) {
      scanner.skip();
      continue;
    }
    const cells = readList(scanner, place, maxRows, (at) => readCell(scanner, plan.columns[index], at));
    if (length !== undefined && cells.length !== length)
      throw invalid(`${place} has ${cells.length} values, the columns before it have ${length}`, place);
    length = cells.length;
    cells.forEach((cell, row) => {
      rows[row] ??= emptyRow(plan);
      (rows[row] ?? [])[index] = cell;
    });
  } while (scanner.more(closeBrace));
  return rows;
}

function finishObject(scanner: JsonScanner, rows: OpenRow[]): OpenRow[] {
  while (scanner.more(closeBrace)) {
    scanner.key();
    scanner.skip();
  }
  return rows;
}

function readList<T>(scanner: JsonScanner, place: string, maxRows: number, read: (place: string) => T): T[] {
  const items: T[] = [];
  if (scanner.peek() !== openBracket) throw unfit(scanner, `${place} must be a list`, place);
  if (!scanner.open(openBracket, closeBracket)) return items;
  do {
    if (items.length === maxRows) throw invalid(`there are more than ${maxRows} rows`, place);
    items.push(read(`${place}[${items.length}]`));
  } while (scanner.more(closeBracket));
  return items;
}

function emptyRow(plan: RowPlan): OpenRow {
  return new Array<Cell | undefined>(plan.columns.length).fill(undefined);
}

/** A column that is in no row is missing; in some rows only, its value is missing there, as data frames have it. */
function completeRows(rows: OpenRow[], plan: RowPlan): Row[] {
  const missing = plan.columns.filter(
    (column, index) => !column.isOptional && rows.length > 0 && rows.every((row) => row[index] === undefined),
  );
  if (missing.length > 0) {
    const names = missing.slice(0, 10).map(({ name }) => `'${name}'`);
    const more = missing.length > names.length ? ` and ${missing.length - names.length} more` : '';
    throw invalid(`Model is missing inputs [${names.join(', ')}]${more}.`, 'body');
  }
  plan.columns.forEach((column, index) => {
    if (column.isOptional) return;
    for (const row of rows) row[index] ??= null;
  });
  return rows;
}

function wrongFields(keys: readonly string[]): MusterError {
  const wanted = inputFields.map((field) => `'${field}'`).join(', ');
  const got = keys
    .slice(0, 10)
    .map((key) => quoteName(key))
    .join(', ');
  return invalid(
    `The input must be a JSON dictionary with exactly one of the input fields {${wanted}}. Received dictionary with input fields: [${got}]`,
    'body',
  );
}

function unfit(scanner: JsonScanner, message: string, place: string): MusterError {
  scanner.skip();
  return invalid(message, place);
}

function invalid(message: string, place: string): MusterError {
  return new MusterError('invalid_rows', message, { place });
}
