import { type Signature, type TensorSpec, rowPlan } from '@muster-ml/protocol';

/** One way in which a new version takes or gives something else than the one that callers use now. */
export interface SignatureDifference {
  readonly part: 'input' | 'output' | 'features' | 'labels';
  /** Name of the input or output; empty for features and labels. */
  readonly name: string;
  readonly change: string;
  /** Whether a caller of the old one can notice: what it sends is refused or misread, or what it reads is missing or changed. */
  readonly isBreaking: boolean;
}

/**
 * The caller's contract: compares what callers of the live version send and read with what a new version takes and
 * gives. Inputs may be taken more freely (a dimension that may be any size, a new input that may be left out), outputs
 * may be given more narrowly. Inputs are sent by name, so their order is free; outputs are also read by position.
 */
export function compareSignatures(live: Signature, next: Signature): readonly SignatureDifference[] {
  return [
    ...compareInputs(live.inputs, next.inputs),
    ...compareOutputs(live.outputs, next.outputs),
    ...compareFeatures(live, next),
    ...compareLabels(live, next),
  ];
}

/** The differences that callers would notice. */
export function breakingDifferences(live: Signature, next: Signature): readonly SignatureDifference[] {
  return compareSignatures(live, next).filter((difference) => difference.isBreaking);
}

function compareInputs(live: readonly TensorSpec[], next: readonly TensorSpec[]): SignatureDifference[] {
  const differences: SignatureDifference[] = [];
  const say = (name: string, change: string, isBreaking: boolean): void =>
    void differences.push({ part: 'input', name, change, isBreaking });
  const byName = new Map(next.map((spec) => [spec.name, spec]));
  for (const old of live) {
    const now = byName.get(old.name);
    if (now === undefined) {
      say(old.name, 'is gone', true);
      continue;
    }
    if (now.datatype !== old.datatype) say(old.name, `takes ${now.datatype} instead of ${old.datatype}`, true);
    const fit = compareShapes(old.shape, now.shape);
    if (fit !== 'same')
      say(old.name, `takes the shape ${text(now.shape)} instead of ${text(old.shape)}`, fit !== 'wider');
    if (isOptional(old) && !isOptional(now)) say(old.name, 'may no longer be left out', true);
    if (!isOptional(old) && isOptional(now)) say(old.name, 'may now be left out', false);
    if (isNullable(old) && !isNullable(now)) say(old.name, 'may no longer have missing values', true);
    if (!isNullable(old) && isNullable(now)) say(old.name, 'may now have missing values', false);
  }
  const known = new Set(live.map((spec) => spec.name));
  for (const spec of next) {
    if (known.has(spec.name)) continue;
    say(spec.name, isOptional(spec) ? 'is new and may be left out' : 'is new and required', !isOptional(spec));
  }
  return differences;
}

function compareOutputs(live: readonly TensorSpec[], next: readonly TensorSpec[]): SignatureDifference[] {
  const differences: SignatureDifference[] = [];
  const say = (name: string, change: string, isBreaking: boolean): void =>
    void differences.push({ part: 'output', name, change, isBreaking });
  const positions = new Map(next.map((spec, position) => [spec.name, position]));
  for (const [position, old] of live.entries()) {
    const newPosition = positions.get(old.name);
    const now = newPosition === undefined ? undefined : next[newPosition];
    if (newPosition === undefined || now === undefined) {
      say(old.name, 'is gone', true);
      continue;
    }
    if (newPosition !== position) say(old.name, `is number ${newPosition + 1} instead of ${position + 1}`, true);
    if (now.datatype !== old.datatype) say(old.name, `gives ${now.datatype} instead of ${old.datatype}`, true);
    const fit = compareShapes(old.shape, now.shape);
    if (fit !== 'same')
      say(old.name, `gives the shape ${text(now.shape)} instead of ${text(old.shape)}`, fit !== 'narrower');
  }
  const known = new Set(live.map((spec) => spec.name));
  for (const spec of next) if (!known.has(spec.name)) say(spec.name, 'is new', false);
  return differences;
}

/**
 * A matrix is filled by position in one protocol and by column in rows, so its columns keep order and names; columns
 * without names go by those that rows have for them. What is not a matrix has one column an input, which is compared
 * there: turning into the other takes the columns from who sends rows.
 */
function compareFeatures(live: Signature, next: Signature): SignatureDifference[] {
  const old = matrixColumns(live);
  const now = matrixColumns(next);
  if (same(old, now)) return [];
  if (old === undefined)
    return [
      { part: 'features', name: '', change: 'rows have a column for each feature instead of one', isBreaking: true },
    ];
  if (now === undefined)
    return [{ part: 'features', name: '', change: 'rows have no column for each feature any more', isBreaking: true }];
  const say = (change: string): SignatureDifference[] => [{ part: 'features', name: '', change, isBreaking: true }];
  const oldNames = new Set(old);
  const newNames = new Set(now);
  const gone = old.filter((feature) => !newNames.has(feature));
  const added = now.filter((feature) => !oldNames.has(feature));
  if (gone.length === 0 && added.length === 0) return say('the columns are in another order');
  return say(
    [
      ...(gone.length === 0 ? [] : [`without ${list(gone)}`]),
      ...(added.length === 0 ? [] : [`with ${list(added)}`]),
    ].join(', '),
  );
}

/** Names of the columns of a matrix; undefined for what has a column an input. */
function matrixColumns(signature: Signature): readonly string[] | undefined {
  const { columns } = rowPlan(signature);
  const isMatrix =
    signature.inputs.length === 1 &&
    columns.some(({ name, offset }) => offset > 0 || name !== signature.inputs[0]?.name);
  return isMatrix ? columns.map(({ name }) => name) : undefined;
}

function compareLabels(live: Signature, next: Signature): SignatureDifference[] {
  if (same(live.labels, next.labels)) return [];
  const name = (labels: readonly string[] | undefined): string => (labels === undefined ? 'numbers' : list(labels));
  return [
    {
      part: 'labels',
      name: '',
      change: `the classes are ${name(next.labels)} instead of ${name(live.labels)}`,
      isBreaking: true,
    },
  ];
}

type ShapeFit = 'same' | 'wider' | 'narrower' | 'other';

/** How the shapes that `next` allows relate to those that `live` allows; -1 allows any size. */
function compareShapes(live: readonly number[], next: readonly number[]): ShapeFit {
  if (live.length !== next.length) return 'other';
  let isWider = false;
  let isNarrower = false;
  for (const [axis, old] of live.entries()) {
    const now = next[axis];
    if (now === old) continue;
    if (now === -1) isWider = true;
    else if (old === -1) isNarrower = true;
    else return 'other';
  }
  if (isWider && isNarrower) return 'other';
  if (isWider) return 'wider';
  return isNarrower ? 'narrower' : 'same';
}

function isOptional(spec: TensorSpec): boolean {
  return spec.optional === true;
}

function isNullable(spec: TensorSpec): boolean {
  return spec.nullable === true;
}

function same(a: readonly string[] | undefined, b: readonly string[] | undefined): boolean {
  if (a === undefined || b === undefined) return a === b;
  return a.length === b.length && a.every((name, index) => name === b[index]);
}

function text(shape: readonly number[]): string {
  return `[${shape.join(', ')}]`;
}

/** Names for a message: the first few, and how many more. */
function list(names: readonly string[]): string {
  const shown = names.slice(0, 5).join(', ');
  return names.length > 5 ? `${shown} and ${names.length - 5} more` : shown;
}
