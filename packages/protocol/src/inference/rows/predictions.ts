import { MusterError } from '../../errors/muster-error.ts';
import { quoteName } from '../shape.ts';
import { tensorElementTexts, tensorNumbers } from '../tensor-values.ts';
import type { Signature, Tensor } from '../tensor.ts';
import { isFloat } from './row-plan.ts';

/** One field of the answer for each row: an output, or the label that follows from the probabilities. */
interface AnswerField {
  readonly name: string;
  /** The elements of row `index`, each as JSON. */
  elements(index: number): readonly string[];
  /** Shape of one row; `[]` is a single value. */
  readonly shape: readonly number[];
  /** Names of the elements, where they have some: the classes of a classifier. */
  readonly labels: readonly string[] | undefined;
}

/**
 * The predictions of `rows` rows as JSON, one object a row: each output by its name, a single value for `[n]` and
 * `[n, 1]`, else nested lists. A matrix of floats with a column for each of the signature's `labels` becomes an object by
 * label, and `label` names the largest, unless an output has that name.
 *
 * Throws `output_not_text` where an output is not text, `model_failed` where it has not one entry for each row.
 */
export function predictionsJson(outputs: readonly Tensor[], signature: Signature, rows: number): string[] {
  const fields = answerFields(outputs, signature, rows);
  return Array.from(
    { length: rows },
    (_, row) => `{${fields.map((field) => `${JSON.stringify(field.name)}:${fieldJson(field, row)}`).join(',')}}`,
  );
}

/**
 * The predictions of `rows` rows as MLflow's scoring server lists them, one JSON value a row: of a single output its
 * value, as an array where it has more dimensions than the rows, of several an object by output.
 *
 * Throws as `predictionsJson`.
 */
export function invocationPredictions(outputs: readonly Tensor[], signature: Signature, rows: number): string[] {
  const fields = outputs.map((output) => {
    const field = outputField(output, signature, rows);
    const shape = output.shape[0] === rows ? output.shape.slice(1) : output.shape;
    return { name: JSON.stringify(field.name), value: (row: number) => nested(field.elements(row), shape) };
  });
  const [single] = fields;
  return Array.from({ length: rows }, (_, row) =>
    single !== undefined && fields.length === 1
      ? single.value(row)
      : `{${fields.map(({ name, value }) => `${name}:${value(row)}`).join(',')}}`,
  );
}

/** The predictions as lines of CSV (RFC 4180), the names of the columns first; lists become `name.0`, `name.1`, … */
export function predictionsCsv(
  outputs: readonly Tensor[],
  signature: Signature,
  rows: number,
): { readonly header: string; readonly lines: string[] } {
  const fields = answerFields(outputs, signature, rows);
  const header = fields.flatMap(columnNames).map(csvField).join(',');
  const lines = Array.from({ length: rows }, (_, row) =>
    fields.flatMap((field) => field.elements(row).map(csvValue)).join(','),
  );
  return { header, lines };
}

function answerFields(outputs: readonly Tensor[], signature: Signature, rows: number): AnswerField[] {
  const fields = outputs.map((output) => outputField(output, signature, rows));
  const scores = outputs.find((output) => labelsOf(output, signature) !== undefined);
  const isTaken = outputs.some((output) => output.name === 'label');
  return scores === undefined || isTaken ? fields : [labelField(scores, signature.labels ?? []), ...fields];
}

function outputField(output: Tensor, signature: Signature, rows: number): AnswerField {
  const spec = signature.outputs.find(({ name }) => name === output.name);
  const texts = tensorElementTexts(output, spec?.nullable);
  // An output of another size than the rows is about the request as a whole: only a single row can have it.
  const hasRows = output.shape[0] === rows;
  if (!hasRows && rows !== 1) {
    throw new MusterError(
      'model_failed',
      `the output ${quoteName(output.name)} has the shape [${output.shape.join(',')}] for ${rows} rows`,
    );
  }
  const rest = hasRows ? output.shape.slice(1) : output.shape;
  const shape = rest.length === 1 && rest[0] === 1 ? [] : rest;
  const size = shape.reduce((product, dim) => product * dim, 1);
  return {
    name: output.name,
    shape,
    labels: labelsOf(output, signature),
    elements: (row) =>
      texts.slice(row * size, (row + 1) * size).map((text) => {
        // A document was quoted as the text that it is; null is a missing one.
        if (text !== undefined) return spec?.isJson === true && text !== 'null' ? (JSON.parse(text) as string) : text;
        throw new MusterError('output_not_text', `the output ${quoteName(output.name)} is not UTF-8`, {
          remedy: 'Ask for it as binary through /v2/models/{endpoint}/infer.',
        });
      }),
  };
}

function labelsOf(output: Tensor, { labels }: Signature): readonly string[] | undefined {
  const isScores =
    labels !== undefined && isFloat(output.datatype) && output.shape.length === 2 && output.shape[1] === labels.length;
  return isScores && labels.length > 1 ? labels : undefined;
}

function labelField(scores: Tensor, labels: readonly string[]): AnswerField {
  const numbers = tensorNumbers(scores) as ArrayLike<number>;
  return {
    name: 'label',
    shape: [],
    labels: undefined,
    elements: (row) => {
      let best = -1;
      for (let i = 0; i < labels.length; i++) {
        const score = numbers[row * labels.length + i] ?? NaN;
        if (!Number.isNaN(score) && (best < 0 || score > (numbers[row * labels.length + best] ?? NaN))) best = i;
      }
      // Nothing but NaN has no largest.
      return [best < 0 ? 'null' : JSON.stringify(labels[best])];
    },
  };
}

function fieldJson(field: AnswerField, row: number): string {
  const elements = field.elements(row);
  const { labels } = field;
  if (labels !== undefined)
    return `{${elements.map((element, index) => `${JSON.stringify(labels[index])}:${element}`).join(',')}}`;
  return nested(elements, field.shape);
}

function nested(elements: readonly string[], shape: readonly number[]): string {
  const [size, ...rest] = shape;
  if (size === undefined) return elements[0] ?? 'null';
  const step = rest.reduce((product, dim) => product * dim, 1);
  return `[${Array.from({ length: size }, (_, index) => nested(elements.slice(index * step, (index + 1) * step), rest)).join(',')}]`;
}

function columnNames(field: AnswerField): string[] {
  if (field.labels !== undefined) return field.labels.map((label) => `${field.name}.${label}`);
  if (field.shape.length === 0) return [field.name];
  const size = field.shape.reduce((product, dim) => product * dim, 1);
  return Array.from({ length: size }, (_, index) => `${field.name}.${index}`);
}

/** An element written as JSON, as a field of CSV. */
function csvValue(json: string): string {
  if (json === 'null') return '';
  if (json.startsWith('"')) return csvField(JSON.parse(json) as string);
  // A document has commas of its own; a number has nothing to quote.
  return csvField(json);
}

/** A text as a field of CSV (RFC 4180), in quotes where it needs them. */
export function csvField(text: string): string {
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
