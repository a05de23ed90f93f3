import { closeSync, fstatSync, openSync } from 'node:fs';
import { type Column, MusterError, quoteName } from '@muster-ml/protocol';
import { type FileMetaData, type SchemaElement, parquetMetadata, parquetSchema } from 'hyparquet';
import { ColumnPages, broken, readFully } from './column-pages.ts';
import { isTime, timeText } from './time-text.ts';
import type { Block, TableReader, ValueType, Values } from './table.ts';

/** The metadata of a file with very many columns and row groups. */
const maxFooterBytes = 256 * 1024 * 1024;

/** Reads Parquet, page by page. A place is the number of a row. Throws `invalid_table` for what is none. */
export function openParquet(path: string): TableReader {
  const file = openSync(path, 'r');
  try {
    const metadata = guarded(() => readMetadata(file));
    return readerOf(file, metadata);
  } catch (error) {
    closeSync(file);
    throw error;
  }
}

function readMetadata(file: number): FileMetaData {
  const { size } = fstatSync(file);
  const tail = new Uint8Array(Math.min(8, size));
  readFully(file, tail, size - tail.length);
  if (size < 12 || Buffer.from(tail.subarray(4)).toString('latin1') !== 'PAR1')
    throw new MusterError('invalid_table', 'the file is not Parquet: it does not end with PAR1');
  const length = new DataView(tail.buffer).getUint32(0, true);
  if (length > Math.min(maxFooterBytes, size - 8)) throw broken('its footer has an impossible size');
  const footer = new Uint8Array(length + 8);
  readFully(file, footer, size - footer.length);
  return parquetMetadata(footer.buffer, { geoparquet: false });
}

interface Chosen {
  readonly name: string;
  readonly type: ValueType;
  readonly as: Column | undefined;
}

function readerOf(file: number, metadata: FileMetaData): TableReader {
  const tree = parquetSchema(metadata);
  const totalRows = Number(metadata.num_rows);
  let chosen: readonly Chosen[] = [];
  let row = 0;
  let group = -1;
  let pages: ColumnPages[] = [];
  /** Rows of the open row group that are still to come. */
  let left = 0;

  const isGroupDone = (): boolean => left === 0;

  const openNext = (): boolean => {
    group++;
    const next = metadata.row_groups[group];
    if (next === undefined) return false;
    left = Number(next.num_rows);
    pages = chosen.map(({ name, type }) => {
      const column = next.columns.find(({ meta_data: data }) => data?.path_in_schema[0] === name)?.meta_data;
      const child = tree.children.find(({ element }) => element.name === name);
      if (column === undefined || child === undefined)
        throw broken(`the column ${quoteName(name)} is not in every row group`);
      return new ColumnPages(file, type, [tree, child], column);
    });
    return true;
  };

  return {
    names: tree.children.map(({ element }) => element.name),
    totalRows,
    begin(columns, from) {
      chosen = columns.map(({ name, as }) => ({ name, as, type: typeIn(tree, name) }));
      row = from?.row ?? 0;
      guarded(() => {
        for (let skip = row; openNext() && skip > 0;) {
          const here = Math.min(skip, left);
          for (const column of here < left ? pages : []) column.skip(here);
          skip -= here;
          left -= here;
          if (left > 0) break;
        }
      });
    },
    types: () => chosen.map(({ type }) => type),
    next(maxRows) {
      return guarded(() => {
        while (isGroupDone()) if (!openNext()) return undefined;
        const rows = Math.min(maxRows, left);
        const columns = chosen.map((column, index) => fitting(pages[index]?.take(rows) ?? [], column));
        const block: Block = { firstRow: row, rows, columns, faults: new Map() };
        left -= rows;
        row += rows;
        return block;
      });
    },
    place: () => row,
    share: () => (totalRows === 0 ? 1 : row / totalRows),
    close: () => closeSync(file),
  };
}

/** Times go to a model as texts; for the result they stay what they are. */
function fitting(values: Values, { type, as }: Chosen): Values {
  if (as === undefined || !isTime(type)) return values;
  return Array.from(values, (value) =>
    typeof value === 'number' || typeof value === 'bigint' ? timeText(value, type) : value,
  );
}

function typeIn(tree: ReturnType<typeof parquetSchema>, name: string): ValueType {
  const child = tree.children.find(({ element }) => element.name === name);
  if (child === undefined) throw new MusterError('columns_missing', `the table has no column ${quoteName(name)}`);
  const type =
    child.children.length > 0 || child.element.repetition_type === 'REPEATED' ? undefined : typeOf(child.element);
  if (type !== undefined) return type;
  throw new MusterError(
    'invalid_table',
    `the column ${quoteName(name)} is nested or of a type that is not known here`,
    {
      place: name,
      remedy: 'Write it as a column of numbers, texts, flags or times: lists become one column an element.',
    },
  );
}

/** What a flat column holds; undefined for what has no place in a table of numbers and texts. */
function typeOf({ type, converted_type: converted, logical_type: logical }: SchemaElement): ValueType | undefined {
  if (converted === 'DECIMAL') return 'float64';
  if (converted === 'BSON' || converted === 'INTERVAL') return undefined;
  switch (type) {
    case 'BOOLEAN':
      return 'bool';
    case 'INT32':
      if (converted === 'DATE') return 'days';
      return converted === 'UINT_32' ? 'int64' : 'int32';
    case 'INT64':
      if (converted === 'TIMESTAMP_MILLIS') return 'millis';
      if (converted === 'TIMESTAMP_MICROS') return 'micros';
      if (logical?.type === 'TIMESTAMP')
        return logical.unit === 'MILLIS' ? 'millis' : logical.unit === 'MICROS' ? 'micros' : 'nanos';
      return converted === 'UINT_64' ? 'uint64' : 'int64';
    case 'INT96':
      return 'nanos';
    case 'FLOAT':
      return 'float32';
    case 'DOUBLE':
      return 'float64';
    case 'BYTE_ARRAY':
      return logical?.type === 'GEOMETRY' || logical?.type === 'GEOGRAPHY' ? undefined : 'text';
    case 'FIXED_LEN_BYTE_ARRAY':
      if (logical?.type === 'FLOAT16') return 'float32';
      return logical?.type === 'UUID' ? 'text' : undefined;
    default:
      return undefined;
  }
}

/** The decoders throw plain errors for what they cannot read: then it is the file. */
function guarded<T>(work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (error instanceof MusterError) throw error;
    throw new MusterError(
      'invalid_table',
      `the Parquet file cannot be read: ${error instanceof Error ? error.message : String(error)}`,
      {
        cause: error,
      },
    );
  }
}
