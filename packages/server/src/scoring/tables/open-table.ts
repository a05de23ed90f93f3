import type { TableFormat } from '@muster-ml/protocol';
import { type CsvForm, openCsv } from './csv-reader.ts';
import { openJsonl } from './jsonl-reader.ts';
import { openParquet } from './parquet-reader.ts';
import type { TableReader } from './table.ts';

/** Opens a table for reading. Throws `invalid_table` for what is none of its format. */
export function openTable(path: string, format: TableFormat, csv: CsvForm): TableReader {
  switch (format) {
    case 'parquet':
      return openParquet(path);
    case 'csv':
      return openCsv(path, csv);
    case 'jsonl':
      return openJsonl(path);
  }
}
