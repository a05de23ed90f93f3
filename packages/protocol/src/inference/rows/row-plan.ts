import { type Datatype, type Signature, type TensorSpec, isBatched } from '../tensor.ts';

/** One field of a row. */
export interface Column {
  readonly name: string;
  /** Index of the input that it goes to. */
  readonly input: number;
  /** Where its value goes among the elements of a row of that input; 0 unless features share the input. */
  readonly offset: number;
  readonly datatype: Datatype;
  /** Shape of its value: `[]` is one value, else nested arrays; -1 takes any length, the same in all rows of a request. */
  readonly shape: readonly number[];
  readonly isOptional: boolean;
  /** A text that may be missing; what floats do not have they have as NaN. */
  readonly isNullable: boolean;
  /** Its cell is the text of a JSON document. */
  readonly isJson: boolean;
}

/**
 * How rows of named fields become the inputs of a model. A model whose only input is a matrix `[-1, n]` takes n
 * fields, named by the signature's `features`, else `f0`, `f1` …; any other model takes one field an input, whose
 * value is a single one for `[-1]` and `[-1, 1]`, else nested arrays of the shape behind the rows.
 */
export interface RowPlan {
  readonly signature: Signature;
  readonly columns: readonly Column[];
  /** Index of a column by its name. */
  readonly byName: ReadonlyMap<string, number>;
  /** Whether rows may share a run; else each row is a request of its own. */
  readonly isBatched: boolean;
}

const plans = new WeakMap<Signature, RowPlan>();

/** The plan of a signature; made once for each. */
export function rowPlan(signature: Signature): RowPlan {
  let plan = plans.get(signature);
  if (plan === undefined) {
    const columns = featureColumns(signature) ?? signature.inputs.map(inputColumn);
    const byName = new Map(columns.map((column, index) => [column.name, index]));
    plan = { signature, columns, byName, isBatched: isBatched(signature) };
    plans.set(signature, plan);
  }
  return plan;
}

function featureColumns({ inputs, features }: Signature): Column[] | undefined {
  const [input, second] = inputs;
  if (input === undefined || second !== undefined || input.shape.length !== 2 || !hasRowDim(input)) return undefined;
  const width = input.shape[1] ?? -1;
  const isNamed = features !== undefined && features.length === width && new Set(features).size === width;
  // A single unnamed feature goes by the name of its input.
  if (width < 1 || (width === 1 && !isNamed)) return undefined;
  return Array.from({ length: width }, (_, offset) => ({
    name: isNamed ? (features[offset] ?? '') : `f${offset}`,
    input: 0,
    offset,
    datatype: input.datatype,
    shape: [],
    isOptional: false,
    isNullable: input.nullable === true,
    isJson: false,
  }));
}

function inputColumn(spec: TensorSpec, input: number): Column {
  const rest = hasRowDim(spec) ? spec.shape.slice(1) : spec.shape;
  const shape = rest.length === 1 && rest[0] === 1 ? [] : rest;
  return {
    name: spec.name,
    input,
    offset: 0,
    datatype: spec.datatype,
    shape,
    isOptional: spec.optional === true,
    isNullable: spec.nullable === true,
    isJson: spec.isJson === true && spec.datatype === 'BYTES' && shape.length === 0,
  };
}

/** Whether the first dimension of an input or output counts rows; a fixed 1 is a model for one row at a time. */
export function hasRowDim(spec: TensorSpec): boolean {
  return spec.shape[0] === -1 || spec.shape[0] === 1;
}

/** A row as an example: zeros, empty texts, and arrays of them. */
export function exampleRow(plan: RowPlan): Record<string, unknown> {
  return Object.fromEntries(
    plan.columns.filter((column) => !column.isOptional).map((column) => [column.name, exampleValue(column)]),
  );
}

function exampleValue({ datatype, shape, isJson }: Column): unknown {
  if (isJson) return {};
  const single = datatype === 'BYTES' ? 'text' : datatype === 'BOOL' ? false : isFloat(datatype) ? 0.5 : 1;
  // Innermost first; long ones are cut short of what the model takes only where any length will do.
  return shape
    .toReversed()
    .reduce<unknown>((value, size) => Array.from({ length: size < 0 ? 2 : size }, () => value), single);
}

/** Whether a datatype can say "unknown", as NaN. */
export function isFloat(datatype: Datatype): boolean {
  return datatype === 'FP16' || datatype === 'BF16' || datatype === 'FP32' || datatype === 'FP64';
}
