import { MusterError, type ReplicaOptions, type Tensor } from '@muster-ml/protocol';
import type { InferenceSession, Tensor as OrtTensor } from 'onnxruntime-node';
import { shortenRuntimeText } from './load-failure.ts';
import type { ModelSession, SessionResult } from './model-session.ts';
import { openModel } from './open-model.ts';
import type { ModelOutline } from './outline.ts';
import { type Port, readPorts } from './ports.ts';
import { describeRecipe, recipes, synthesiseInputs } from './synthesised-input.ts';
import { fromOrtTensor, holdsReplacementCharacter, toOrtTensor } from './tensor-values.ts';
import type { ZipMapDrop } from './zipmap.ts';

/** Outputs of one run and the time inside the model. */
export interface RunResult {
  readonly outputs: readonly Tensor[];
  readonly runMicros: number;
}

/** The first answer of a replica, and what it was an answer to, in words. */
export interface WarmUp {
  readonly answered: string;
  readonly result: RunResult;
}

/** A model in memory that answers. */
export interface Replica {
  readonly outline: ModelOutline;
  /** What was changed at load. */
  readonly dropped: readonly ZipMapDrop[];
  readonly inputs: readonly Port[];
  readonly outputs: readonly Port[];
  /**
   * Runs one batch. It blocks this process from the next turn of the event loop until the model is done, unless the model
   * runs in a thread of its own.
   *
   * Outputs come in the order asked for, all in the model's order where none were. Throws `unknown_input`,
   * `missing_input`, `duplicate_input`, `unknown_output`, `invalid_datatype`, `invalid_shape`, `invalid_data`,
   * and `model_failed` when the model does.
   */
  run(inputs: readonly Tensor[], outputs?: readonly string[]): Promise<RunResult>;
  /** Answers a sample, or an input made from the signature; says which. Throws `deployment_failed` if none is answered. */
  warmUp(sample?: readonly Tensor[]): Promise<WarmUp>;
  /** Gives the memory back; no run may follow. */
  release(): Promise<void>;
}

/** Loads a model file. Throws `invalid_model_file`, `unsupported_model` and `invalid_configuration`. */
export async function loadReplica(file: string, options: ReplicaOptions): Promise<Replica> {
  const { outline, session, dropped } = await openModel(file, options);
  const replaced = new Set(dropped.map(({ output }) => output.name));
  const inputs = readPorts(session.inputMetadata, outline.inputs, replaced);
  const outputs = readPorts(session.outputMetadata, outline.outputs, replaced);
  return { outline, dropped, ...replicaOf(session, inputs, outputs) };
}

function replicaOf(
  session: ModelSession,
  inputs: readonly Port[],
  outputs: readonly Port[],
): Omit<Replica, 'outline' | 'dropped'> {
  const inputTypes = new Map(inputs.map(({ name, datatype }) => [name, datatype]));
  const outputNames = new Set(outputs.map(({ name }) => name));

  function feedsOf(tensors: readonly Tensor[]): Record<string, OrtTensor> {
    // No prototype: an input may be called "constructor".
    const feeds = Object.create(null) as Record<string, OrtTensor>;
    for (const tensor of tensors) {
      const datatype = inputTypes.get(tensor.name);
      if (datatype === undefined) throw new MusterError('unknown_input', `the model has no input "${tensor.name}"`);
      if (datatype !== tensor.datatype)
        throw new MusterError(
          'invalid_datatype',
          `input "${tensor.name}" is ${tensor.datatype}; the model takes ${datatype}`,
        );
      if (tensor.name in feeds) throw new MusterError('duplicate_input', `input "${tensor.name}" was sent twice`);
      feeds[tensor.name] = toOrtTensor(tensor);
    }
    for (const { name } of inputs)
      if (!(name in feeds)) throw new MusterError('missing_input', `input "${name}" is missing`);
    return feeds;
  }

  async function run(tensors: readonly Tensor[], wanted?: readonly string[]): Promise<RunResult> {
    const stranger = wanted?.find((name) => !outputNames.has(name));
    if (stranger !== undefined) throw new MusterError('unknown_output', `the model has no output "${stranger}"`);
    const feeds = feedsOf(tensors);
    const names = wanted === undefined || wanted.length === 0 ? [...outputNames] : [...new Set(wanted)];
    const mayHoldReplacement = holdsReplacementCharacter(Object.values(feeds));
    let result: SessionResult;
    try {
      result = await session.run(feeds, names);
    } catch (thrown) {
      throw explainRunFailure(thrown);
    }
    const { outputs: results, runMicros } = result;
    return { outputs: names.map((name) => outputOf(results, name, mayHoldReplacement)), runMicros };
  }

  async function warmUp(sample?: readonly Tensor[]): Promise<WarmUp> {
    if (sample !== undefined) {
      try {
        return { answered: 'the sample', result: await run(sample) };
      } catch (thrown) {
        throw new MusterError(
          'deployment_failed',
          `the model does not answer its sample: ${(thrown as Error).message}`,
          { remedy: 'Hand over a sample that the model accepts.', cause: thrown },
        );
      }
    }
    let first: unknown;
    for (const recipe of recipes) {
      const made = synthesiseInputs(inputs, recipe);
      if (made === undefined) continue;
      try {
        return { answered: describeRecipe(recipe), result: await run(made) };
      } catch (thrown) {
        first ??= thrown;
      }
    }
    const why = first instanceof Error ? first.message : 'every input that could be made is too large';
    throw new MusterError('deployment_failed', `the model answered no input that could be made for it: ${why}`, {
      remedy: 'Hand over a sample with the version (muster model push --sample rows.csv).',
      cause: first,
    });
  }

  return { inputs, outputs, run, warmUp, release: () => session.release() };
}

function outputOf(results: InferenceSession.ReturnType, name: string, mayHoldReplacement: boolean): Tensor {
  const tensor = results[name];
  if (tensor === undefined || !('data' in tensor))
    throw new MusterError('model_failed', `output "${name}" is no tensor`);
  return fromOrtTensor(name, tensor, mayHoldReplacement);
}

function explainRunFailure(thrown: unknown): MusterError {
  const text = thrown instanceof Error ? thrown.message : String(thrown);
  const short = shortenRuntimeText(text);
  if (/^(?:Got invalid dimensions for input|Invalid rank for input)/u.test(text)) {
    return new MusterError('invalid_shape', short.replace(/ Please fix .*$/u, ''), { cause: thrown });
  }
  if (text.startsWith('Non tensor type')) {
    return new MusterError('model_failed', 'an output is a sequence or a map, which cannot be sent', {
      remedy: 'Export the model with tensors only.',
      cause: thrown,
    });
  }
  return new MusterError('model_failed', `the model failed: ${short}`, { cause: thrown });
}
