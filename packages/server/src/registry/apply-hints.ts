import { MusterError, type Signature } from '@muster-ml/protocol';
import { matrixInput } from './matrix-input.ts';

/** How an owner names what the file leaves unnamed. */
export interface SignatureHints {
  readonly features?: readonly string[] | undefined;
  readonly labels?: readonly string[] | undefined;
}

/**
 * The signature that inspection found, with the owner's names in place of the file's. Throws `invalid_signature` where
 * they do not fit: features name the columns of a matrix, labels the classes of an output.
 */
export function applyHints(signature: Signature, hints: SignatureHints): Signature {
  if (hints.features !== undefined) checkFeatures(signature, hints.features);
  if (hints.labels !== undefined) checkLabels(signature, hints.labels);
  return {
    ...signature,
    ...(hints.features === undefined ? {} : { features: hints.features }),
    ...(hints.labels === undefined ? {} : { labels: hints.labels }),
  };
}

function checkFeatures(signature: Signature, features: readonly string[]): void {
  const place = 'body.signature.features';
  const matrix = matrixInput(signature);
  if (matrix === undefined) {
    const names = signature.inputs.map((input) => input.name).slice(0, 10);
    throw new MusterError(
      'invalid_signature',
      `only a model with one matrix input has features to name; this one takes ${names.join(', ')}`,
      {
        place,
        remedy: 'Leave the features out; callers use the names of the inputs.',
      },
    );
  }
  if (matrix.width !== undefined && features.length !== matrix.width) {
    throw new MusterError(
      'invalid_signature',
      `${features.length} features are named, but the input ${matrix.spec.name} has ${matrix.width} columns`,
      { place },
    );
  }
  const twice = duplicateIn(features);
  if (twice !== undefined) throw new MusterError('invalid_signature', `the feature ${twice} is named twice`, { place });
}

function checkLabels(signature: Signature, labels: readonly string[]): void {
  const place = 'body.signature.labels';
  const twice = duplicateIn(labels);
  if (twice !== undefined) throw new MusterError('invalid_signature', `the label ${twice} is named twice`, { place });
  const widths = signature.outputs.flatMap(({ datatype, shape }) =>
    datatype.startsWith('FP') && shape.length === 2 && (shape[1] ?? 0) > 1 ? [shape[1]] : [],
  );
  if (widths.length > 0 && !widths.includes(labels.length)) {
    throw new MusterError(
      'invalid_signature',
      `${labels.length} labels are named, but the output has ${widths.join(' or ')} classes`,
      { place },
    );
  }
}

/** The first name that stands there a second time. */
export function duplicateIn(names: readonly string[]): string | undefined {
  const seen = new Set<string>();
  return names.find((name) => seen.has(name) || !seen.add(name));
}
