import { type ModelFacts, MusterError, type Signature, type TensorSpec } from '@muster-ml/protocol';
import { findClassNames, findFeatureNames } from './metadata-names.ts';
import { type ModelOutline, domainName } from './outline.ts';
import type { Port } from './ports.ts';
import type { ZipMapDrop } from './zipmap.ts';

const limits = { ports: 10_000, rank: 32, facts: 1000, metadataEntries: 100, metadataLength: 4000 };

/**
 * What the model takes and gives. Inputs with a default in the file are not in it: onnxruntime-node cannot set them.
 *
 * Throws `unsupported_model` if an input's rank is unknown, or the numbers are beyond what a signature can hold.
 */
export function signatureOf(
  outline: ModelOutline,
  inputs: readonly Port[],
  outputs: readonly Port[],
  dropped: readonly ZipMapDrop[],
): Signature {
  if (inputs.length === 0)
    throw new MusterError('unsupported_model', 'the model has no inputs', {
      remedy: 'Export the model so that its data come in as inputs.',
    });
  if (inputs.length > limits.ports || outputs.length > limits.ports)
    throw new MusterError('unsupported_model', `the model has more than ${limits.ports} inputs or outputs`);
  const signature = {
    inputs: inputs.map((port) => specOf('input', port)),
    outputs: outputs.map((port) => specOf('output', port)),
  };
  const features = featuresOf(outline, signature.inputs);
  const labels = labelsOf(outline, dropped);
  return { ...signature, ...(features === undefined ? {} : { features }), ...(labels === undefined ? {} : { labels }) };
}

function specOf(role: string, { name, datatype, shape }: Port): TensorSpec {
  if (shape === undefined) {
    throw new MusterError('unsupported_model', `${role} "${name}" has no shape in the file`, {
      remedy:
        'Export the model with the shapes of its inputs; a dimension of any size may have a name, such as [N, 4].',
    });
  }
  if (shape.length > limits.rank)
    throw new MusterError(
      'unsupported_model',
      `${role} "${name}" has ${shape.length} dimensions; ${limits.rank} are possible`,
    );
  return { name, datatype, shape };
}

/** Names of the columns, where the only input is a matrix of a known width. */
function featuresOf(
  { metadata }: ModelOutline,
  [input, ...others]: readonly TensorSpec[],
): readonly string[] | undefined {
  const [batch, width] = input?.shape ?? [];
  if (input?.shape.length !== 2 || others.length > 0 || batch !== -1 || width === undefined || width < 1)
    return undefined;
  return findFeatureNames(metadata, width);
}

/** Names of the classes: those in the metadata are for people and win over those that the classifier works with. */
function labelsOf(
  { metadata, classLabels }: ModelOutline,
  dropped: readonly ZipMapDrop[],
): readonly string[] | undefined {
  const [first] = dropped;
  const known = dropped.length === 1 && first !== undefined ? first.node.labels : classLabels;
  return findClassNames(metadata, known?.length) ?? known;
}

/** What is kept with the version about its file. */
export function factsOf(outline: ModelOutline, dropped: readonly ZipMapDrop[]): ModelFacts {
  return {
    format: 'onnx',
    sizeBytes: outline.sizeBytes,
    producer: outline.producer.slice(0, limits.metadataLength),
    irVersion: outline.irVersion,
    opsets: Object.fromEntries(
      [...outline.opsets].slice(0, limits.facts).map(([domain, version]) => [domainName(domain), version]),
    ),
    operators: Object.fromEntries(
      outline.operators
        .slice(0, limits.facts)
        .map(({ domain, name, count }) => [domain === '' ? name : `${domain}.${name}`, count]),
    ),
    parameterCount: outline.parameterCount,
    metadata: Object.fromEntries(
      [...outline.metadata]
        .slice(0, limits.metadataEntries)
        .map(([key, value]) => [key.slice(0, limits.metadataLength), value.slice(0, limits.metadataLength)]),
    ),
    adaptations: [
      ...dropped.map(
        ({ output, node }) =>
          `ZipMap dropped: output "${output.name}" is the matrix of probabilities [-1, ${node.labels.length}] instead of a list of maps`,
      ),
      ...describeDefaults(outline.defaulted),
    ],
  };
}

/** Old exporters list every weight among the inputs, so there may be hundreds. */
function describeDefaults(names: readonly string[]): string[] {
  if (names.length === 0) return [];
  const some = names.slice(0, 5).map((name) => `"${name}"`);
  const rest = names.length > some.length ? ` and ${names.length - some.length} more` : '';
  return [`inputs that have a default in the file keep it and cannot be sent: ${some.join(', ')}${rest}`];
}
