import { type Cell, MusterError, quoteName } from '@muster-ml/protocol';
import type { RowGroup, SchemaElement } from 'hyparquet';
import { ByteWriter, ParquetWriter } from 'hyparquet-writer';
import type { AppendFile } from './append-file.ts';
import { cellText } from './cell-text.ts';
import { outputColumns } from './output-columns.ts';
import type { AnsweredRows, ResultForm, ResultTable } from './result-table.ts';
import type { ValueType, Values } from './table.ts';

interface Column {
  readonly name: string;
  readonly type: ValueType;
  /** What has been appended since the last flush. */
  readonly pieces: Values[];
}

/** What a flush answers: the row groups that it wrote, and what the columns are. */
interface State {
  readonly columns: readonly { readonly name: string; readonly type: ValueType }[];
  readonly groups: readonly RowGroup[];
}

/**
 * The answers as Parquet: each flush is a row group. The footer names them all and comes last, so what it says of those
 * that are written is kept outside of the file until then.
 */
export class ParquetResult implements ResultTable {
  readonly #file: AppendFile;
  readonly #form: ResultForm;
  readonly #groups: RowGroup[] = [];
  #columns: Column[] | undefined;
  #rows = 0;

  constructor(file: AppendFile, form: ResultForm, states: readonly (string | undefined)[]) {
    this.#file = file;
    this.#form = form;
    for (const text of states) {
      if (text === undefined) continue;
      const { columns, groups } = JSON.parse(text, bigIntegers) as State;
      this.#groups.push(...groups);
      this.#columns ??= columns.map((column) => ({ ...column, pieces: [] }));
    }
  }

  append({ rows, kept, outputs }: AnsweredRows): void {
    const answers = outputColumns(outputs, this.#form.signature, rows.length);
    const given = [
      { name: this.#form.rowColumn, type: 'int64' as const, values: rows },
      ...this.#form.kept.map((column, index) => ({ ...column, values: kept[index] ?? [] })),
      ...answers,
    ];
    this.#columns ??= given.map(({ name, type }) => ({ name, type, pieces: [] }));
    if (given.length !== this.#columns.length)
      throw new MusterError('model_failed', 'the model answers with other columns than before');
    for (const [index, column] of this.#columns.entries()) {
      if (given[index]?.name !== column.name)
        throw new MusterError(
          'model_failed',
          `the model answers without ${quoteName(column.name)}, which it had before`,
        );
      column.pieces.push(given[index].values);
    }
    this.#rows += rows.length;
  }

  flush(): string | undefined {
    if (this.#columns === undefined || this.#rows === 0) return undefined;
    const { writer, table } = this.#writer(this.#columns);
    const before = table.row_groups.length;
    void table.write({
      columnData: this.#columns.map(({ name, type, pieces }) => ({
        name,
        data: dataOf(pieces, type),
        offsetIndex: false,
      })),
      rowGroupSize: this.#rows,
    });
    this.#file.append(writer.getBytes());
    for (const { pieces } of this.#columns) pieces.length = 0;
    this.#rows = 0;
    const groups = table.row_groups.slice(before);
    this.#groups.push(...groups);
    const columns = this.#columns.map(({ name, type }) => ({ name, type }));
    const state: State = { columns, groups };
    return JSON.stringify(state, (_key, value: unknown) => (typeof value === 'bigint' ? String(value) : value));
  }

  finish(): void {
    const none = [{ name: this.#form.rowColumn, type: 'int64' as const }, ...this.#form.kept];
    const { writer, table } = this.#writer(this.#columns ?? none);
    table.kvMetadata = Object.entries(this.#form.facts()).map(([key, value]) => ({ key, value }));
    void table.finish();
    this.#file.append(writer.getBytes());
  }

  /** A writer that stands at the end of the file and knows the row groups that are in it. */
  #writer(columns: readonly Pick<Column, 'name' | 'type'>[]) {
    const writer = new ByteWriter();
    const schema = [
      { name: 'schema', num_children: columns.length },
      ...columns.map(({ name, type }) => elementOf(name, type)),
    ];
    const table = new ParquetWriter({ writer, schema, statistics: false, createdBy: 'muster' });
    // It has begun a file; that is there already unless nothing is.
    if (this.#file.sizeBytes > 0) {
      writer.index = 0;
      writer.offset = this.#file.sizeBytes;
    }
    table.row_groups.push(...this.#groups);
    table.num_rows = this.#groups.reduce((sum, group) => sum + group.num_rows, 0n);
    return { writer, table };
  }
}

const bigKeys = new Set([
  'file_offset',
  'num_values',
  'total_uncompressed_size',
  'total_compressed_size',
  'data_page_offset',
  'dictionary_page_offset',
  'total_byte_size',
  'num_rows',
]);

function bigIntegers(key: string, value: unknown): unknown {
  return bigKeys.has(key) && typeof value === 'string' ? BigInt(value) : value;
}

function elementOf(name: string, type: ValueType): SchemaElement {
  const column = { name, repetition_type: 'OPTIONAL' as const };
  switch (type) {
    case 'bool':
      return { ...column, type: 'BOOLEAN' };
    case 'int32':
      return { ...column, type: 'INT32' };
    case 'int64':
      return { ...column, type: 'INT64' };
    case 'uint64':
      return { ...column, type: 'INT64', converted_type: 'UINT_64' };
    case 'float32':
      return { ...column, type: 'FLOAT' };
    case 'float64':
      return { ...column, type: 'DOUBLE' };
    case 'text':
    case 'json':
      return { ...column, type: 'BYTE_ARRAY', converted_type: 'UTF8' };
    case 'days':
      return { ...column, type: 'INT32', converted_type: 'DATE' };
    case 'millis':
      return { ...column, type: 'INT64', converted_type: 'TIMESTAMP_MILLIS' };
    case 'micros':
      return { ...column, type: 'INT64', converted_type: 'TIMESTAMP_MICROS' };
    case 'nanos':
      return { ...column, type: 'INT64', logical_type: { type: 'TIMESTAMP', isAdjustedToUTC: true, unit: 'NANOS' } };
  }
}

/** The values as the writer takes them: it checks each, and would refuse a whole number that is no bigint. */
function dataOf(pieces: readonly Values[], type: ValueType): unknown[] {
  const data: unknown[] = [];
  for (const piece of pieces) for (let i = 0; i < piece.length; i++) data.push(valueOf(piece[i], type));
  return data;
}

function valueOf(value: Cell | undefined, type: ValueType): unknown {
  if (value === null || value === undefined) return undefined;
  switch (type) {
    case 'int64':
    case 'uint64':
    case 'millis':
    case 'micros':
    case 'nanos':
      return typeof value === 'bigint' ? value : BigInt(value as number);
    case 'text':
    case 'json':
      return cellText(value, type);
    default:
      return value;
  }
}
