import type { Cell, Column } from '@muster-ml/protocol';

/** The values of one column in some rows: null where one is missing, undefined where the row does not have the column. */
export type Values = ArrayLike<Cell | undefined>;

/**
 * What the values of a column are, as far as a writer must know. Times are whole numbers since the epoch: days, or
 * thousandths, millionths and billionths of a second.
 */
export type ValueType =
  | 'bool'
  | 'int32'
  | 'int64'
  | 'uint64'
  | 'float32'
  | 'float64'
  | 'text'
  /** Any JSON value, as it came. */
  | 'json'
  | 'days'
  | 'millis'
  | 'micros'
  | 'nanos';

/** A column that is read: for an input of the model, or to be kept in the result. */
export interface WantedColumn {
  readonly name: string;
  /** Of the model: texts become what it takes. Absent: the values stay as they are. */
  readonly as?: Column | undefined;
}

/** Some rows that follow each other, column by column, in the order that the reader was asked for. */
export interface Block {
  /** Number of its first row in the table, from 0. */
  readonly firstRow: number;
  readonly rows: number;
  readonly columns: readonly Values[];
  /** Rows that cannot be read at all, by their index in the block. */
  readonly faults: ReadonlyMap<number, Fault>;
}

/** Why a row has no answer; never a value of it. */
export interface Fault {
  readonly column: string | null;
  readonly reason: string;
}

/** Reads a table from front to back with bounded memory. */
export interface TableReader {
  /** The columns that it has; undefined where each row names its own. */
  readonly names: readonly string[] | undefined;
  /** Undefined where it is known only at the end. */
  readonly totalRows: number | undefined;
  /** Chooses the columns and where to begin: at a row, whose `place` an earlier reader told. Once, before the first block. */
  begin(columns: readonly WantedColumn[], from?: { readonly row: number; readonly place: number }): void;
  /** What the values of each column are, in that order. */
  types(): readonly ValueType[];
  /** The next rows, at most so many; undefined at the end. Throws `invalid_table`. */
  next(maxRows: number): Block | undefined;
  /** Where the row behind the last block is. */
  place(): number;
  /** How much of it has been read, from 0 to 1. */
  share(): number;
  close(): void;
}
