import { closeSync, openSync } from 'node:fs';
import { type Cell, type Column, MusterError, isFloat, quoteName, textCell } from '@muster-ml/protocol';
import { CsvScanner } from './csv-scanner.ts';
import { plainNumber } from './number-text.ts';
import { misfit } from './reasons.ts';
import type { Block, Fault, TableReader, Values } from './table.ts';

export interface CsvForm {
  readonly delimiter: string;
  readonly hasHeader: boolean;
  /** Names of the columns where the first line has none. */
  readonly names: readonly string[];
}

/** A column that is filled: `at` is the index of its field. */
interface Slot {
  readonly at: number;
  readonly as: Column | undefined;
  readonly isPlain: boolean;
}

/** Reads CSV in UTF-8. A place is a position in the file. Throws `invalid_table` where the first line is none. */
export function openCsv(path: string, form: CsvForm): TableReader {
  const file = openSync(path, 'r');
  try {
    return readerOf(file, form);
  } catch (error) {
    closeSync(file);
    throw error;
  }
}

function readerOf(file: number, form: CsvForm): TableReader {
  let scanner = new CsvScanner(file, form.delimiter, 0);
  const names = form.hasHeader ? readHeader(scanner) : form.names;
  let slots: readonly Slot[] = [];
  let row = 0;

  const nextRecord = (): boolean => {
    while (scanner.next()) {
      // With a single column, an empty line is a row whose value is missing.
      if (names.length === 1 || !scanner.isEmpty) return true;
    }
    return false;
  };

  return {
    names,
    totalRows: undefined,
    begin(columns, from) {
      slots = columns.map(({ name, as }) => ({
        at: names.indexOf(name),
        as,
        isPlain: as !== undefined && as.shape.length === 0 && isFloat(as.datatype),
      }));
      if (from === undefined) return;
      row = from.row;
      scanner = new CsvScanner(file, form.delimiter, from.place);
    },
    types: () => slots.map(() => 'text'),
    next(maxRows) {
      const columns = slots.map(({ isPlain }) =>
        isPlain ? new Float64Array(maxRows) : new Array<Cell | undefined>(maxRows),
      );
      const faults = new Map<number, Fault>();
      let rows = 0;
      while (rows < maxRows && nextRecord()) {
        const fault = faultOf(scanner, names.length) ?? readFields(scanner, slots, columns, rows, names);
        if (fault !== undefined) faults.set(rows, fault);
        rows++;
      }
      if (rows === 0) return undefined;
      const block: Block = {
        firstRow: row,
        rows,
        columns: rows === maxRows ? columns : columns.map((values) => values.slice(0, rows) as Values),
        faults,
      };
      row += rows;
      return block;
    },
    place: () => scanner.place,
    share: () => (scanner.sizeBytes === 0 ? 1 : scanner.place / scanner.sizeBytes),
    close: () => closeSync(file),
  };
}

function readHeader(scanner: CsvScanner): string[] {
  if (!scanner.next() || scanner.fault !== undefined)
    throw new MusterError(
      'invalid_table',
      `there is no line that names the columns${scanner.fault === undefined ? '' : `: ${scanner.fault}`}`,
    );
  const names = Array.from({ length: scanner.count }, (_, index) => {
    const name = scanner.text(index)?.trim();
    if (name === undefined) throw new MusterError('invalid_table', `the name of column ${index + 1} is not UTF-8`);
    return name;
  });
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  if (twice !== undefined) throw new MusterError('invalid_table', `the column ${quoteName(twice)} is there twice`);
  return names;
}

function faultOf({ fault, count }: CsvScanner, expected: number): Fault | undefined {
  if (fault !== undefined) return { column: null, reason: fault };
  if (count === expected) return undefined;
  return { column: null, reason: `the line has ${count} fields, not ${expected}` };
}

/** Reads what is wanted of a record into element `row` of the columns. */
function readFields(
  scanner: CsvScanner,
  slots: readonly Slot[],
  columns: readonly (Float64Array | (Cell | undefined)[])[],
  row: number,
  names: readonly string[],
): Fault | undefined {
  for (let i = 0; i < slots.length; i++) {
    const slot = slots[i];
    const values = columns[i];
    if (slot === undefined || values === undefined || slot.at < 0) continue;
    const { at, as, isPlain } = slot;
    if (isPlain) {
      const value = plainNumber(scanner.bytes, scanner.starts[at] ?? 0, scanner.ends[at] ?? 0);
      if (value !== undefined) {
        values[row] = value;
        continue;
      }
    }
    const text = scanner.text(at);
    if (text === undefined) return { column: names[at] ?? null, reason: 'is not UTF-8' };
    if (as === undefined) {
      values[row] = text;
      continue;
    }
    const cell = textCell(text, as);
    if (!isPlain) {
      values[row] = cell;
      continue;
    }
    if (typeof cell === 'string') return { column: as.name, reason: misfit(as) };
    values[row] = cell === null ? NaN : Number(cell);
  }
  return undefined;
}
