import {
  type Datatype,
  MusterError,
  type Signature,
  type Tensor,
  byteElements,
  isFloat,
  missingText,
  quoteName,
  tensorNumbers,
} from '@muster-ml/protocol';
import type { ValueType, Values } from './table.ts';

/** One column of answers. */
export interface OutputColumn {
  readonly name: string;
  readonly type: ValueType;
  readonly values: Values;
}

const decoder = new TextDecoder('utf-8', { fatal: true });

/**
 * The outputs of `rows` rows as flat columns, with the names that `predictionsCsv` gives them: a single value by its
 * output's name, classes as `probabilities.<label>`, other elements as `name.0`, `name.1`, …; `label` first where it
 * follows from the probabilities.
 */
export function outputColumns(outputs: readonly Tensor[], signature: Signature, rows: number): OutputColumn[] {
  const columns = outputs.flatMap((output) => columnsOf(output, signature, rows));
  const scores = outputs.find((output) => labelsOf(output, signature) !== undefined);
  if (scores === undefined || outputs.some(({ name }) => name === 'label')) return columns;
  return [labelColumn(scores, signature.labels ?? [], rows), ...columns];
}

function columnsOf(output: Tensor, signature: Signature, rows: number): OutputColumn[] {
  const { name, shape, datatype } = output;
  const hasRows = shape[0] === rows;
  if (!hasRows && rows !== 1)
    throw new MusterError(
      'model_failed',
      `the output ${quoteName(name)} has the shape [${shape.join(',')}] for ${rows} rows`,
    );
  const size = (hasRows ? shape.slice(1) : shape).reduce((product, dim) => product * dim, 1);
  const rank = (hasRows ? shape.slice(1) : shape).length;
  const values = elementsOf(output, signature);
  const type = typeOf(datatype);
  const labels = labelsOf(output, signature);
  // A single value has no index behind its name, whether the model says [n] or [n,1].
  if (size === 1 && rank <= 1) return [{ name, type, values }];
  return Array.from({ length: size }, (_, offset) => ({
    name: `${name}.${labels?.[offset] ?? offset}`,
    type,
    values: every(values, offset, size, rows),
  }));
}

function labelsOf(output: Tensor, { labels }: Signature): readonly string[] | undefined {
  const isScores = isFloat(output.datatype) && output.shape.length === 2 && output.shape[1] === labels?.length;
  return isScores && labels !== undefined && labels.length > 1 ? labels : undefined;
}

function labelColumn(scores: Tensor, labels: readonly string[], rows: number): OutputColumn {
  const numbers = tensorNumbers(scores) as ArrayLike<number>;
  const values = Array.from({ length: rows }, (_, row) => {
    let best = -1;
    for (let i = 0; i < labels.length; i++) {
      const score = numbers[row * labels.length + i] ?? NaN;
      if (!Number.isNaN(score) && (best < 0 || score > (numbers[row * labels.length + best] ?? NaN))) best = i;
    }
    return best < 0 ? null : (labels[best] ?? null);
  });
  return { name: 'label', type: 'text', values };
}

function elementsOf(output: Tensor, signature: Signature): Values {
  if (output.datatype === 'BOOL') return Array.from(output.bytes, (byte) => byte !== 0);
  // A copy: the buffer of the frame may be large, and belongs to others.
  if (output.datatype !== 'BYTES') return Array.prototype.slice.call(tensorNumbers(output)) as Values;
  const isNullable = signature.outputs.find(({ name }) => name === output.name)?.nullable === true;
  return byteElements(output.bytes).map((element) => {
    if (isNullable && element.length === 1 && element[0] === missingText[0]) return null;
    try {
      return decoder.decode(element);
    } catch {
      throw new MusterError('output_not_text', `the output ${quoteName(output.name)} is not UTF-8`);
    }
  });
}

function every(values: Values, offset: number, size: number, rows: number): Values {
  return Array.from({ length: rows }, (_, row) => values[row * size + offset]);
}

function typeOf(datatype: Datatype): ValueType {
  switch (datatype) {
    case 'BOOL':
      return 'bool';
    case 'BYTES':
      return 'text';
    case 'FP64':
      return 'float64';
    case 'FP16':
    case 'BF16':
    case 'FP32':
      return 'float32';
    case 'UINT64':
      return 'uint64';
    case 'INT64':
    case 'UINT32':
      return 'int64';
    case 'UINT8':
    case 'UINT16':
    case 'INT8':
    case 'INT16':
    case 'INT32':
      return 'int32';
  }
}
