import type { Signature, TableFormat, Tensor } from '@muster-ml/protocol';
import type { AppendFile } from './append-file.ts';
import { CsvResult } from './csv-result.ts';
import { JsonlResult } from './jsonl-result.ts';
import { ParquetResult } from './parquet-result.ts';
import type { ValueType, Values } from './table.ts';

/** Rows with their answers, in the order of the table. */
export interface AnsweredRows {
  /** Their numbers in the table, from 0. */
  readonly rows: readonly number[];
  /** The columns that are kept, as many values each. */
  readonly kept: readonly Values[];
  readonly outputs: readonly Tensor[];
}

/** What the result of a score is made of, besides the answers. */
export interface ResultForm {
  readonly signature: Signature;
  /** Name of the column with the numbers of the rows. */
  readonly rowColumn: string;
  readonly kept: readonly { readonly name: string; readonly type: ValueType }[];
  /** What Parquet says of itself, as pairs of text. */
  readonly facts: () => Readonly<Record<string, string>>;
}

/** Writes the table of answers at the end of a file. */
export interface ResultTable {
  append(answered: AnsweredRows): void;
  /** Puts into the file what was appended; answers what `resume` needs to go on behind it, if anything. */
  flush(): string | undefined;
  /** Ends the table. */
  finish(): void;
}

/** Begins a table, or goes on with one: `states` are what each flush answered so far. */
export function openResult(
  format: TableFormat,
  file: AppendFile,
  form: ResultForm,
  states: readonly (string | undefined)[],
): ResultTable {
  switch (format) {
    case 'csv':
      return new CsvResult(file, form);
    case 'jsonl':
      return new JsonlResult(file, form);
    case 'parquet':
      return new ParquetResult(file, form, states);
  }
}
