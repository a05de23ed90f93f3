import { MusterError } from '../errors/muster-error.ts';

/**
 * Product of a shape. Throws `invalid_shape` where it is beyond what can be counted exactly, so that no later size
 * overflows.
 */
export function countElements(shape: readonly number[], place: string): number {
  let count = 1;
  let isEmpty = false;
  for (const size of shape) {
    if (size === 0) isEmpty = true;
    else count *= size;
  }
  if (isEmpty) return 0;
  // Leaves room for the 8 bytes of the largest element.
  if (count <= Number.MAX_SAFE_INTEGER / 8) return count;
  throw new MusterError('invalid_shape', `${place}: the shape [${shape.join(',')}] has too many elements`, {
    place: `${place}.shape`,
  });
}

/** A name in double quotes as errors show it, cut where it is very long. */
export function quoteName(name: string): string {
  return JSON.stringify(name.length > 100 ? `${name.slice(0, 100)}…` : name);
}
