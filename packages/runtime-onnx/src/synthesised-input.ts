import { type Tensor, datatypeSizes } from '@muster-ml/protocol';
import type { Port } from './ports.ts';
import { elementCount, filledBytes } from './tensor-values.ts';

/** Made inputs are for a first answer, not for a load test. */
const maxBytes = 64 * 1024 * 1024;

/** One way to make an input from nothing but its type and shape. */
export interface Recipe {
  readonly fill: 0 | 1;
  /** Size of dim 0 where it is variable. */
  readonly batch: number;
  /** Size of every other variable dimension. */
  readonly size: number;
  /** Size of those that are neither first nor last, if another: recurrent states have their batch there. */
  readonly middle?: number;
}

/**
 * Tried in order until the model answers: zeros are valid indices and flags; ones where a model divides or takes
 * logarithms; larger sizes where something is cut off, pooled or convolved.
 */
export const recipes: readonly Recipe[] = [
  { fill: 0, batch: 1, size: 1 },
  { fill: 1, batch: 1, size: 1 },
  { fill: 0, batch: 1, size: 2 },
  { fill: 1, batch: 2, size: 2 },
  { fill: 0, batch: 1, size: 8 },
  { fill: 0, batch: 1, size: 32 },
  { fill: 0, batch: 1, size: 224 },
  { fill: 0, batch: 1, size: 512 },
  { fill: 0, batch: 1, size: 512, middle: 1 },
  { fill: 1, batch: 1, size: 16_000 },
];

/** Inputs of these shapes by a recipe; undefined where they would be too large. Unknown ranks are taken for `[batch, size]`. */
export function synthesiseInputs(
  ports: readonly Port[],
  { fill, batch, size, middle = size }: Recipe,
): Tensor[] | undefined {
  const tensors: Tensor[] = [];
  let bytes = 0;
  for (const { name, datatype, shape = [-1, -1] } of ports) {
    const last = shape.length - 1;
    const made = shape.map((dimension, index) => {
      if (dimension >= 0) return dimension;
      if (index === 0) return batch;
      return index === last ? size : middle;
    });
    const count = elementCount(made);
    bytes += count * Math.max(datatypeSizes[datatype], 4);
    if (bytes > maxBytes) return undefined;
    tensors.push({ name, datatype, shape: made, bytes: filledBytes(datatype, count, fill) });
  }
  return tensors;
}

/** A recipe in words, for logs and status. */
export function describeRecipe({ fill, batch, size }: Recipe): string {
  return `a made input: all ${fill === 0 ? 'zeros' : 'ones'}, ${batch} row${batch === 1 ? '' : 's'}, variable dimensions ${size}`;
}
