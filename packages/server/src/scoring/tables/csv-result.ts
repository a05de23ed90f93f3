import { MusterError, csvField, predictionsCsv } from '@muster-ml/protocol';
import type { AppendFile } from './append-file.ts';
import { cellText } from './cell-text.ts';
import type { AnsweredRows, ResultForm, ResultTable } from './result-table.ts';

/** The answers as CSV, named and written as by `/predict`. */
export class CsvResult implements ResultTable {
  readonly #file: AppendFile;
  readonly #form: ResultForm;
  #header: string | undefined;

  constructor(file: AppendFile, form: ResultForm) {
    this.#file = file;
    this.#form = form;
  }

  append({ rows, kept, outputs }: AnsweredRows): void {
    const { signature, kept: columns } = this.#form;
    const { header, lines } = predictionsCsv(outputs, signature, rows.length);
    if (this.#header !== undefined && this.#header !== header)
      throw new MusterError('model_failed', 'the model answers with other columns than before');
    this.#header = header;
    let text = this.#file.sizeBytes === 0 ? `${this.#names()},${header}\n` : '';
    for (let i = 0; i < rows.length; i++) {
      text += String(rows[i]);
      for (let k = 0; k < columns.length; k++)
        text += `,${csvField(cellText(kept[k]?.[i], columns[k]?.type ?? 'text'))}`;
      text += `,${lines[i] ?? ''}\n`;
    }
    this.#file.append(Buffer.from(text));
  }

  flush(): undefined {
    return undefined;
  }

  finish(): void {
    if (this.#file.sizeBytes === 0) this.#file.append(Buffer.from(`${this.#names()}\n`));
  }

  #names(): string {
    return [this.#form.rowColumn, ...this.#form.kept.map(({ name }) => name)].map(csvField).join(',');
  }
}
