import type { ModelOutline } from './outline.ts';

/**
 * Whether onnxruntime should plan the memory of a run as one block. It keeps a plan of some kilobytes for every
 * combination of input shapes that it has seen, for ever; with one, a convolutional network takes a tenth less time.
 *
 * So only where the shapes are few: where nothing but the rows may vary. Pictures count as such, too, even where the
 * model would take any size: who sends them brings them to one. The lengths of texts do not.
 */
export function plansMemory({ inputs }: Pick<ModelOutline, 'inputs'>): boolean {
  return inputs.every(({ type }) => {
    if (type.kind !== 'tensor' || type.shape === undefined) return false;
    return type.shape.length >= pictureDimensions || type.shape.every((size, axis) => axis === 0 || size >= 0);
  });
}

/** Rows, channels, height and width. */
export const pictureDimensions = 4;
