import {
  MusterError,
  type Signature,
  type Tensor,
  type TensorSpec,
  type UnpackedSample,
  readTensors,
} from '@muster-ml/protocol';
import { castTensor, cellsOf } from './cast-tensor.ts';
import { isColumn } from './matrix-input.ts';
import type { TextTable } from './parse-csv.ts';
import { type FittedInputs, fitTable } from './read-sample.ts';

const place = 'body.sample';

/** The tensors of a sample, unpacked. */
export interface SampleTensors {
  readonly inputs: readonly Tensor[];
  readonly outputs: readonly Tensor[];
  readonly isTable: boolean;
}

export function tensorsIn({ inputs, payload, outputs, outputPayload, isTable }: UnpackedSample): SampleTensors {
  return { inputs: readTensors(inputs, payload), outputs: readTensors(outputs, outputPayload), isTable };
}

/**
 * The inputs of a sample as the signature wants them: columns of a table as those of a CSV, tensors by name (one by
 * itself whatever its name), numbers in the model's own types. Throws `invalid_sample`.
 */
export function fitInputs(sample: Pick<SampleTensors, 'inputs' | 'isTable'>, signature: Signature): FittedInputs {
  const wide = sample.inputs.find((tensor) => !isColumn(tensor));
  if (sample.isTable && wide !== undefined) throw invalid(`the column ${wide.name} has more than one value a row`);
  if (sample.isTable) return fitTable(tableOf(sample.inputs), signature, place);
  const isByItself = signature.inputs.length === 1 && sample.inputs.length === 1;
  const taken = signature.inputs.flatMap((spec) => {
    const given = isByItself ? sample.inputs[0] : sample.inputs.find(({ name }) => name === spec.name);
    if (given !== undefined) return [fitTensor(given, spec)];
    if (spec.optional === true) return [];
    throw invalid(`the sample lacks the input ${spec.name}`);
  });
  if (taken.length < sample.inputs.length) {
    const names = new Set(signature.inputs.map(({ name }) => name));
    throw invalid(`the model takes no input ${sample.inputs.find(({ name }) => !names.has(name))?.name ?? ''}`);
  }
  return { features: undefined, tensors: taken };
}

/**
 * The answers that came with a sample, under the names of the model's outputs: by name where they have the same names,
 * else in order. Throws `invalid_sample` for one that the model doesn't give, and `sample_differs` for one that no answer
 * can equal: text in place of numbers, or another shape.
 */
export function fitOutputs(given: readonly Tensor[], signature: Signature): readonly Tensor[] {
  const { outputs } = signature;
  const areNamed = given.some(({ name }) => outputs.some((spec) => spec.name === name));
  return given.map((tensor, index) => {
    const spec = areNamed ? outputs.find(({ name }) => name === tensor.name) : outputs[index];
    if (spec === undefined)
      throw invalid(`the sample expects ${tensor.name}, the model gives ${outputs.map(({ name }) => name).join(', ')}`);
    const isSameKind = (tensor.datatype === 'BYTES') === (spec.datatype === 'BYTES');
    if (isSameKind && fits(withoutOnes(tensor.shape), withoutOnes(spec.shape))) return { ...tensor, name: spec.name };
    throw new MusterError(
      'sample_differs',
      `the sample expects ${tensor.name} as ${written(tensor)}, the model gives ${spec.name} as ${written(spec)}`,
      { place: `${place}.outputs` },
    );
  });
}

function fitTensor(given: Tensor, spec: TensorSpec): Tensor {
  const cast = castTensor(given, spec.datatype);
  if (cast !== undefined && fits(given.shape, spec.shape)) return { ...cast, name: spec.name };
  throw invalid(`the sample has ${given.name} as ${written(given)}, the model takes ${spec.name} as ${written(spec)}`);
}

function tableOf(columns: readonly Tensor[]): TextTable {
  const cells = columns.map((column) => cellsOf(column));
  const rows = Array.from({ length: columns[0]?.shape[0] ?? 0 }, (_, row) => cells.map((column) => column[row] ?? ''));
  return { header: columns.map(({ name }) => name), rows };
}

/** A column of one value a row is the same answer as those values. */
function withoutOnes([rows, ...others]: readonly number[]): readonly number[] {
  return rows === undefined ? [] : [rows, ...others.filter((size) => size !== 1)];
}

function fits(shape: readonly number[], spec: readonly number[]): boolean {
  return shape.length === spec.length && spec.every((size, index) => size === -1 || size === shape[index]);
}

function written({ datatype, shape }: Pick<TensorSpec, 'datatype' | 'shape'>): string {
  return `${datatype} [${shape.join(', ')}]`;
}

function invalid(message: string): MusterError {
  return new MusterError('invalid_sample', message, { place });
}
