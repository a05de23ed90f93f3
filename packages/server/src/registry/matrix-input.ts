import type { Signature, TensorSpec } from '@muster-ml/protocol';

/** A model whose rows are a matrix: one required input `[rows, width]`, whose columns are the features. */
export interface MatrixInput {
  readonly spec: TensorSpec;
  /** Columns, or undefined where the model takes any number. */
  readonly width: number | undefined;
}

/** The matrix that a model takes; undefined for a model with one input a column, or with tensors of other shapes. */
export function matrixInput(signature: Signature): MatrixInput | undefined {
  const [spec, ...more] = signature.inputs.filter((input) => input.optional !== true);
  if (spec === undefined || more.length > 0 || spec.shape.length !== 2) return undefined;
  const width = spec.shape[1];
  return { spec, width: width === undefined || width < 0 ? undefined : width };
}

/** Whether an input holds one value a row. */
export function isColumn(spec: TensorSpec): boolean {
  return spec.shape.length === 1 || (spec.shape.length === 2 && spec.shape[1] === 1);
}
