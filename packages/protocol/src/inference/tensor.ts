/** The datatypes of the Open Inference Protocol, with the bytes of one element; BYTES varies. */
export const datatypeSizes = {
  BOOL: 1,
  UINT8: 1,
  UINT16: 2,
  UINT32: 4,
  UINT64: 8,
  INT8: 1,
  INT16: 2,
  INT32: 4,
  INT64: 8,
  FP16: 2,
  BF16: 2,
  FP32: 4,
  FP64: 8,
  BYTES: 0,
} as const;

export type Datatype = keyof typeof datatypeSizes;

export function isDatatype(text: string): text is Datatype {
  return Object.hasOwn(datatypeSizes, text);
}

/**
 * A tensor as it travels: its elements are the little-endian, row-major bytes of the protocol's binary form
 * (BYTES: per element a 4-byte little-endian length and the bytes), whatever form the caller sent. So most of
 * Muster passes bytes on untouched; only who reads numbers makes an aligned typed array of them.
 */
export interface Tensor {
  readonly name: string;
  readonly datatype: Datatype;
  /** Non-negative safe integers; `[]` is a scalar. */
  readonly shape: readonly number[];
  /** May start at any offset of its buffer. */
  readonly bytes: Uint8Array;
}

/** What a model says about one input or output; -1 in a shape stands for any size. */
export interface TensorSpec {
  readonly name: string;
  readonly datatype: Datatype;
  readonly shape: readonly number[];
  /** An input that may be left out (it has a default in the model). */
  readonly optional?: boolean | undefined;
  /**
   * A column in which a value may be missing: NaN in FP16, FP32 and FP64, and `missingText` in BYTES. In JSON and CSV a
   * missing value is null, or an empty cell.
   */
  readonly nullable?: boolean | undefined;
  /** BYTES whose elements are JSON documents: interfaces that speak JSON take and give them as they are, not as texts. */
  readonly isJson?: boolean | undefined;
}

/** What stands for a missing value among the elements of a nullable BYTES tensor: one byte that begins no UTF-8 text. */
export const missingText: Uint8Array = Uint8Array.of(0xff);

/**
 * What a version takes and gives: the contract with its callers.
 *
 * `features` names the columns of a model whose only input is a matrix `[-1, n]`; other models get one column an
 * input. `labels` names the classes of a classifier, by index. `primary` names the output that the model's own
 * `predict` gives, where there are others beside it: interfaces with room for one answer give that one.
 */
export interface Signature {
  readonly inputs: readonly TensorSpec[];
  readonly outputs: readonly TensorSpec[];
  readonly features?: readonly string[] | undefined;
  readonly labels?: readonly string[] | undefined;
  readonly primary?: string | undefined;
  /** What it answers to a row depends on the rows beside it: different callers' rows are never put together. */
  readonly mixesRows?: boolean | undefined;
}

/** Whether dim 0 of every input and output is a variable batch dimension, so that callers' rows may be merged. */
export function isBatched(signature: Signature): boolean {
  if (signature.mixesRows === true) return false;
  const specs = [...signature.inputs, ...signature.outputs];
  return signature.inputs.length > 0 && specs.every((spec) => spec.shape[0] === -1);
}
