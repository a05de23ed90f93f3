import { type ErrorCode } from '../errors/catalogue.ts';
import { MusterError } from '../errors/muster-error.ts';
import { byteElements } from './byte-elements.ts';
import type { InferInput } from './infer-request.ts';
import { hasMissing } from './missing-texts.ts';
import { quoteName } from './shape.ts';
import { type Signature, type Tensor, type TensorSpec, isBatched, missingText } from './tensor.ts';

/** Inputs that fit a model. */
export interface BoundInputs {
  /** In the order of the signature; optional ones may be missing. */
  readonly inputs: readonly Tensor[];
  /** Dim 0 of every input where the signature is batched, else undefined. */
  readonly rows: number | undefined;
}

/**
 * Checks inputs against a signature: known, none missing or twice, datatype, shape (-1 takes any size), and for a
 * batched model the same number of rows in all, at most `maxRows`. Throws `unknown_input`, `missing_input`,
 * `duplicate_input`, `invalid_datatype`, `invalid_shape`.
 */
export function bindInputs(given: readonly InferInput[], signature: Signature, maxRows: number): BoundInputs {
  const batched = isBatched(signature);
  const found = new Array<Tensor | undefined>(signature.inputs.length);
  let rows: number | undefined;
  for (let i = 0; i < given.length; i++) {
    const input = given[i];
    if (input === undefined) continue;
    const at = indexOfSpec(signature.inputs, input.name, i);
    const spec = signature.inputs[at];
    if (spec === undefined) throw unknownInput(i, input.name, signature);
    if (found[at] !== undefined)
      throw fail('duplicate_input', `inputs[${i}]: ${quoteName(input.name)} was sent already`, `inputs[${i}]`);
    if (input.datatype !== spec.datatype) {
      throw fail(
        'invalid_datatype',
        `inputs[${i}] (${quoteName(input.name)}) is ${input.datatype}, the model takes ${spec.datatype}`,
        `inputs[${i}].datatype`,
      );
    }
    if (!shapeFits(input.shape, spec.shape)) throw wrongShape(i, input, spec);
    if (spec.datatype === 'BYTES' && spec.nullable !== true && hasMissing(input.bytes)) throw missingValue(i, input);
    if (batched) {
      const own = input.shape[0] ?? 0;
      if (own > maxRows) throw tooManyRows(own, maxRows, `inputs[${i}].shape`);
      if (rows !== undefined && rows !== own) {
        throw fail(
          'invalid_shape',
          `inputs[${i}] (${quoteName(input.name)}) has ${own} rows, the inputs before it have ${rows}`,
          `inputs[${i}].shape`,
        );
      }
      rows = own;
    }
    found[at] = input;
  }
  const inputs: Tensor[] = [];
  for (let i = 0; i < found.length; i++) {
    const tensor = found[i];
    const spec = signature.inputs[i];
    if (tensor !== undefined) inputs.push(tensor);
    else if (spec !== undefined && spec.optional !== true) {
      throw fail(
        'missing_input',
        `the input ${quoteName(spec.name)} (${spec.datatype} [${spec.shape.join(',')}]) is missing`,
        'inputs',
      );
    }
  }
  return { inputs, rows };
}

/** The error of more rows than one run takes. */
export function tooManyRows(rows: number, maxRows: number, place: string): MusterError {
  return new MusterError(
    'invalid_shape',
    `${rows} rows were sent, this deployment takes at most ${maxRows} in one request`,
    {
      place,
      remedy: 'Send fewer rows at once, or deploy with a larger batching.maxRows.',
    },
  );
}

/** Checks names of outputs against a signature. Throws `unknown_output`. */
export function checkOutputs(names: readonly string[] | undefined, signature: Signature): void {
  names?.forEach((name, index) => {
    if (signature.outputs.some((spec) => spec.name === name)) return;
    const known = signature.outputs.map((spec) => quoteName(spec.name));
    throw fail(
      'unknown_output',
      `outputs[${index}]: the model has no output ${quoteName(name)}, it has ${listed(known)}`,
      `outputs[${index}]`,
    );
  });
}

/** Most callers send inputs in the model's order: then each is found at once, also among thousands. */
function indexOfSpec(specs: readonly TensorSpec[], name: string, guess: number): number {
  if (specs[guess]?.name === name) return guess;
  if (specs.length <= 16) return specs.findIndex((spec) => spec.name === name);
  return indexes(specs).get(name) ?? -1;
}

const indexesOfSpecs = new WeakMap<readonly TensorSpec[], ReadonlyMap<string, number>>();

function indexes(specs: readonly TensorSpec[]): ReadonlyMap<string, number> {
  let known = indexesOfSpecs.get(specs);
  if (known === undefined) {
    known = new Map(specs.map((spec, index) => [spec.name, index]));
    indexesOfSpecs.set(specs, known);
  }
  return known;
}

function shapeFits(shape: readonly number[], spec: readonly number[]): boolean {
  if (shape.length !== spec.length) return false;
  for (let i = 0; i < shape.length; i++) if (spec[i] !== -1 && spec[i] !== shape[i]) return false;
  return true;
}

function wrongShape(index: number, input: InferInput, spec: TensorSpec): MusterError {
  const message = `inputs[${index}] (${quoteName(input.name)}) has the shape [${input.shape.join(',')}], the model takes [${spec.shape.join(',')}]`;
  return fail('invalid_shape', message, `inputs[${index}].shape`);
}

function missingValue(index: number, input: InferInput): MusterError {
  const at = byteElements(input.bytes).findIndex((element) => element[0] === missingText[0]);
  const place = `inputs[${index}].data[${at}]`;
  return fail('invalid_data', `${place} is not a string, as BYTES takes`, place);
}

function unknownInput(index: number, name: string, signature: Signature): MusterError {
  const known = signature.inputs.map((spec) => quoteName(spec.name));
  return fail(
    'unknown_input',
    `inputs[${index}]: the model has no input ${quoteName(name)}, it takes ${listed(known)}`,
    `inputs[${index}]`,
  );
}

/** Some of the names, for a message. */
function listed(names: readonly string[]): string {
  return names.length <= 10 ? names.join(', ') : `${names.slice(0, 10).join(', ')} and ${names.length - 10} more`;
}

function fail(code: ErrorCode, message: string, place: string): MusterError {
  return new MusterError(code, message, { place });
}
