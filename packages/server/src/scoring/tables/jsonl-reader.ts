import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { type Cell, MusterError } from '@muster-ml/protocol';
import { maxRecordBytes } from './csv-scanner.ts';
import type { Fault, TableReader, WantedColumn } from './table.ts';

const windowBytes = 4 * 1024 * 1024;
const newline = 0x0a;
/** A number of so many digits may be no double; only then is a line read the slow way. */
const longNumber = /\d{16}/;

const decoder = new TextDecoder('utf-8', { fatal: true });

/** Reads JSONL: an object a line, in UTF-8; empty lines are no rows. A place is a position in the file. */
export function openJsonl(path: string): TableReader {
  const file = openSync(path, 'r');
  const sizeBytes = fstatSync(file).size;
  let wanted: readonly WantedColumn[] = [];
  let row = 0;
  let bytes = Buffer.alloc(0);
  /** Position in the file of the first byte of the window. */
  let windowAt = 0;
  let at = 0;

  /** The next line that has anything on it; undefined at the end. */
  const nextLine = (): Uint8Array | undefined => {
    for (;;) {
      const stop = bytes.indexOf(newline, at);
      const isAtEnd = windowAt + bytes.length >= sizeBytes;
      if (stop < 0 && !isAtEnd) {
        if (bytes.length - at > maxRecordBytes)
          throw new MusterError('invalid_table', `a line is longer than ${maxRecordBytes / 1024 ** 2} MiB`);
        fill();
        continue;
      }
      if (at >= bytes.length) return undefined;
      const line = bytes.subarray(at, stop < 0 ? bytes.length : stop);
      at = stop < 0 ? bytes.length : stop + 1;
      if (line.some((byte) => byte > 0x20)) return line;
    }
  };

  const fill = (): void => {
    const kept = bytes.length - at;
    const ahead = Math.max(0, Math.min(windowBytes, sizeBytes - windowAt - bytes.length));
    const fresh = Buffer.allocUnsafe(kept + ahead);
    bytes.copy(fresh, 0, at);
    windowAt += at;
    at = 0;
    const read = readSync(file, fresh, kept, ahead, windowAt + kept);
    bytes = fresh.subarray(0, kept + read);
  };

  return {
    names: undefined,
    totalRows: undefined,
    begin(columns, from) {
      wanted = columns;
      if (from === undefined) return;
      row = from.row;
      windowAt = from.place;
    },
    types: () => wanted.map(() => 'json'),
    next(maxRows) {
      const columns = wanted.map((): (Cell | undefined)[] => []);
      const faults = new Map<number, Fault>();
      let rows = 0;
      for (; rows < maxRows; rows++) {
        const line = nextLine();
        if (line === undefined) break;
        const record = readRecord(line);
        if (typeof record === 'string') faults.set(rows, { column: null, reason: record });
        for (const [index, { name, as }] of wanted.entries()) {
          const value = typeof record === 'string' || !Object.hasOwn(record, name) ? undefined : record[name];
          columns[index]?.push(as?.isJson === true && value !== undefined ? JSON.stringify(value) : (value as Cell));
        }
      }
      if (rows === 0) return undefined;
      const firstRow = row;
      row += rows;
      return { firstRow, rows, columns, faults };
    },
    place: () => windowAt + at,
    share: () => (sizeBytes === 0 ? 1 : (windowAt + at) / sizeBytes),
    close: () => closeSync(file),
  };
}

/** The object of a line, or why there is none. */
function readRecord(line: Uint8Array): Readonly<Record<string, unknown>> | string {
  let text: string;
  try {
    text = decoder.decode(line);
  } catch {
    return 'the line is not UTF-8';
  }
  try {
    const value: unknown = longNumber.test(text) ? JSON.parse(text, exactIntegers) : JSON.parse(text);
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
    return 'the line is no object';
  } catch {
    return 'the line is not JSON';
  }
}

/** Whole numbers beyond 2^53 keep their digits. */
function exactIntegers(_key: string, value: unknown, context?: { readonly source?: string }): unknown {
  if (typeof value !== 'number' || Number.isSafeInteger(value) || !Number.isInteger(value)) return value;
  return /^-?\d+$/.test(context?.source ?? '') ? BigInt(context?.source ?? value) : value;
}
