import { predictionsJson } from '@muster-ml/protocol';
import type { AppendFile } from './append-file.ts';
import { cellJson } from './cell-text.ts';
import type { AnsweredRows, ResultForm, ResultTable } from './result-table.ts';

/** The answers as JSONL: what is kept, then the prediction as `/predict` writes it. */
export class JsonlResult implements ResultTable {
  readonly #file: AppendFile;
  readonly #form: ResultForm;

  constructor(file: AppendFile, form: ResultForm) {
    this.#file = file;
    this.#form = form;
  }

  append({ rows, kept, outputs }: AnsweredRows): void {
    const { signature, kept: columns, rowColumn } = this.#form;
    const predictions = predictionsJson(outputs, signature, rows.length);
    const names = columns.map(({ name }) => JSON.stringify(name));
    let text = '';
    for (let i = 0; i < rows.length; i++) {
      text += `{${JSON.stringify(rowColumn)}:${rows[i]}`;
      for (let k = 0; k < columns.length; k++)
        text += `,${names[k]}:${cellJson(kept[k]?.[i], columns[k]?.type ?? 'json')}`;
      text += `,${(predictions[i] ?? '{}').slice(1)}\n`;
    }
    this.#file.append(Buffer.from(text));
  }

  flush(): undefined {
    return undefined;
  }

  finish(): void {}
}
