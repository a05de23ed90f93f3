import { MusterError, type Signature, type Tensor, type TensorSpec } from '@muster-ml/protocol';
import { encodeCells } from './encode-cells.ts';
import { isColumn, matrixInput } from './matrix-input.ts';
import { type TextTable, parseCsv } from './parse-csv.ts';

/** Rows as a model takes them. */
export interface FittedInputs {
  /** The names that the header gives to the columns of a matrix, in the model's order; undefined for other models. */
  readonly features: readonly string[] | undefined;
  /** In the order of the signature. */
  readonly tensors: readonly Tensor[];
}

/** Reads a few rows of CSV as inputs of a model, as `fitTable` does. Throws `invalid_sample`. */
export function readSample(csv: string, signature: Signature): FittedInputs {
  const place = 'body.sampleCsv';
  return fitTable(parseCsv(csv, place), signature, place);
}

/**
 * Rows of text as inputs of a model. Where the names of its columns are known (features of a matrix, or one input a
 * column) the table may have them in any order; where they are not, its header names them in the model's order.
 * Throws `invalid_sample`, at the place.
 */
export function fitTable({ header, rows }: TextTable, signature: Signature, place: string): FittedInputs {
  const matrix = matrixInput(signature);
  if (matrix !== undefined) {
    const features = signature.features ?? checkWidth(header, matrix.width, place);
    const order = orderOf(header, features, place);
    const count = rowCount(matrix.spec, rows.length, place);
    const cells = rows.slice(0, count).flatMap((row) => order.map((index) => row[index] ?? ''));
    const columnOf = (index: number): string | undefined => features[index % features.length];
    return { features, tensors: [encode(matrix.spec, [count, features.length], cells, columnOf, place)] };
  }
  const columns = signature.inputs.filter((input) => input.optional !== true || header.includes(input.name));
  const wide = columns.find((input) => !isColumn(input));
  if (wide !== undefined) {
    throw new MusterError(
      'invalid_sample',
      `the input ${wide.name} has the shape [${wide.shape.join(', ')}], which a cell of a CSV can't hold`,
      {
        place,
        remedy: 'Leave the sample out; replicas are then warmed up with a made input.',
      },
    );
  }
  const order = orderOf(
    header,
    columns.map((input) => input.name),
    place,
  );
  const tensors = columns.map((input, column) => {
    const count = rowCount(input, rows.length, place);
    const cells = rows.slice(0, count).map((row) => row[order[column] ?? -1] ?? '');
    return encode(input, input.shape.length === 1 ? [count] : [count, 1], cells, () => input.name, place);
  });
  return { features: undefined, tensors };
}

function checkWidth(header: readonly string[], width: number | undefined, place: string): readonly string[] {
  if (header.includes('')) throw new MusterError('invalid_sample', 'a column has no name', { place });
  if (width === undefined || header.length === width) return header;
  throw new MusterError('invalid_sample', `the sample has ${header.length} columns, the model takes ${width}`, {
    place,
    remedy: 'Give the columns of the features only, without an index and without the target.',
  });
}

/** Where each name stands in the header. */
function orderOf(header: readonly string[], names: readonly string[], place: string): readonly number[] {
  const positions = new Map(header.map((name, index) => [name, index]));
  const missing = names.filter((name) => !positions.has(name));
  const known = new Set(names);
  const extra = header.filter((name) => !known.has(name));
  if (missing.length > 0 || extra.length > 0) {
    const parts = [
      ...(missing.length > 0 ? [`lacks ${listed(missing)}`] : []),
      ...(extra.length > 0 ? [`has ${listed(extra)}, which the model does not take`] : []),
    ];
    throw new MusterError('invalid_sample', `the sample ${parts.join(' and ')}`, { place });
  }
  return names.map((name) => positions.get(name) ?? -1);
}

/** Rows that the model takes at once: all, or as many as its fixed first dimension says. */
function rowCount(spec: TensorSpec, available: number, place: string): number {
  const fixed = spec.shape[0] ?? -1;
  if (fixed < 0) return available;
  if (fixed > available) {
    throw new MusterError('invalid_sample', `the model takes ${fixed} rows at once, the sample has ${available}`, {
      place,
    });
  }
  return fixed;
}

function encode(
  spec: TensorSpec,
  shape: readonly number[],
  cells: readonly string[],
  columnOf: (index: number) => string | undefined,
  place: string,
): Tensor {
  const bytes = encodeCells(cells, spec.datatype);
  if (bytes instanceof Uint8Array) return { name: spec.name, datatype: spec.datatype, shape, bytes };
  const width = shape[1] ?? 1;
  const row = Math.floor(bytes.unfitIndex / width) + 1;
  // The cell itself is not quoted: it may be somebody's personal data.
  throw new MusterError(
    'invalid_sample',
    `row ${row}, column ${columnOf(bytes.unfitIndex)}: not a value of ${spec.datatype}`,
    { place },
  );
}

function listed(names: readonly string[]): string {
  const shown = names
    .slice(0, 5)
    .map((name) => `“${name}”`)
    .join(', ');
  return names.length > 5 ? `${shown} and ${names.length - 5} more` : shown;
}
