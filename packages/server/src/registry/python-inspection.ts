import {
  type EnvironmentSpec,
  type ErrorCode,
  MusterError,
  type PythonFormat,
  type Signature,
  type Tensor,
  dangerSchema,
  problemSchema,
  pythonFormatSchema,
  pythonVersionSchema,
  readTensors,
  requirementSchema,
  runtimeSchema,
  signatureSchema,
} from '@muster-ml/protocol';
import { z } from 'zod';
import { duplicateIn } from './apply-hints.ts';

const line = z.string().max(1000);
const lines = z.array(line).max(10_000);

const lookSchema = z.object({
  ok: z.literal(true),
  /** How Python would read it; null where it would not. */
  format: pythonFormatSchema.nullable(),
  /** What can run it; null for neither. */
  runtime: runtimeSchema.nullable(),
  /** The library that made it, or what the file seems to be. */
  producer: line,
  modelClass: line,
  modules: lines,
  requirements: z.array(requirementSchema).max(2000),
  pythonVersion: pythonVersionSchema.nullable(),
  dangers: z.array(dangerSchema.extend({ what: line })).max(10_000),
  /** What would have to be there before it can be served. */
  missing: z.array(z.object({ what: line, why: z.string().max(10_000), remedy: z.string().max(10_000) })).max(1000),
  adaptations: lines,
});

/** What a look at a file tells, which has run none of it. */
export type Look = Omit<z.output<typeof lookSchema>, 'ok'>;

const tensorHeaderSchema = z.object({
  name: z.string().min(1).max(1000),
  datatype: z.string().max(10),
  shape: z.array(z.number().int().min(0)).max(32),
  size: z.number().int().min(0),
});

const proofSchema = z.object({
  ok: z.literal(true),
  signature: signatureSchema,
  isTable: z.boolean(),
  modelClass: line,
  adaptations: lines,
  sample: z
    .object({
      inputs: z.array(tensorHeaderSchema).min(1).max(10_000),
      outputs: z.array(tensorHeaderSchema).max(10_000),
      payload: z.base64(),
    })
    .nullable(),
});

/** What a model showed when it was loaded in its environment. */
export interface Proof {
  readonly signature: Signature;
  readonly isTable: boolean;
  /** `sklearn.pipeline.Pipeline`, or empty. */
  readonly modelClass: string;
  readonly adaptations: readonly string[];
  /** The rows in the form of its signature, with what it answered; null where there were none to answer. */
  readonly sample: { readonly inputs: readonly Tensor[]; readonly outputs: readonly Tensor[] } | null;
}

/** A model, its environment and its rows, as local files. */
export interface ProofRequest {
  readonly file: string;
  readonly digest: string;
  readonly format: PythonFormat;
  readonly environment: EnvironmentSpec;
  readonly sampleFile: string | undefined;
}

/** Finds out about files that only Python can run. Both throw the signal's reason when it aborts. */
export interface PythonInspection {
  /** Runs none of the file. Throws `invalid_model_file`, `unsupported_model`, `inspection_failed`. */
  look(file: string, digest: string, signal: AbortSignal): Promise<Look>;
  /**
   * Loads the model where it will run and has it answer. Throws what the program found (`model_unloadable`,
   * `sample_needed`, …), and `model_unloadable` where the model ended the program or took too much of something.
   */
  prove(request: ProofRequest, signal: AbortSignal): Promise<Proof>;
}

/** How an inspection in a cage ended. */
type End =
  | { readonly outcome: 'done'; readonly text: string }
  | { readonly outcome: 'failed' | 'timeout' | 'memory' | 'output' | 'cancelled'; readonly detail: string };

/** Runs one of the two programs in a cage and within limits; never throws. */
export type RunPythonInspection = (
  request:
    | { readonly kind: 'look'; readonly file: string; readonly digest: string }
    | ({ readonly kind: 'prove' } & ProofRequest),
  signal: AbortSignal,
) => Promise<End>;

/** What a file may be accused of by the programs; everything else that they say is their own failure. */
const verdicts = [
  'invalid_model_file',
  'unsupported_model',
  'model_unloadable',
  'model_failed',
  'sample_needed',
  'sample_differs',
  'invalid_sample',
  'invalid_signature',
  'requirements_needed',
] as const satisfies readonly ErrorCode[];

/** Asks the programs that `run` starts. What they say is checked like any other input: the second has run the model. */
export function createPythonInspection(run: RunPythonInspection): PythonInspection {
  return {
    async look(file, digest, signal) {
      const end = await run({ kind: 'look', file, digest }, signal);
      signal.throwIfAborted();
      if (end.outcome !== 'done')
        throw new MusterError('inspection_failed', `the inspection did not end well: ${end.detail}`);
      return answerIn(end.text, lookSchema, 'inspection_failed', 'the inspection');
    },
    async prove(request, signal) {
      const end = await run({ kind: 'prove', ...request }, signal);
      signal.throwIfAborted();
      if (end.outcome !== 'done') {
        throw new MusterError(
          'model_unloadable',
          `the model did not answer when it was loaded: ${end.detail}`,
          end.outcome === 'timeout' || end.outcome === 'memory' || end.outcome === 'output'
            ? { remedy: 'Look at what the model does while it is loaded and while it answers its sample.' }
            : {},
        );
      }
      if (end.text === '') throw new MusterError('model_unloadable', 'the model ended its process when it was loaded');
      return proofIn(answerIn(end.text, proofSchema, 'model_unloadable', 'the program that loaded the model'));
    },
  };
}

function answerIn<A>(
  text: string,
  schema: z.ZodType<A>,
  code: 'inspection_failed' | 'model_unloadable',
  who: string,
): A {
  const document = parseJson(text);
  const refusal = refusalSchema.safeParse(document);
  if (refusal.success) throw refusalOf(refusal.data.problem, code, who);
  const answer = schema.safeParse(document);
  if (answer.success) return answer.data;
  throw new MusterError(code, `${who} gave no usable answer`, { cause: answer.error });
}

/** Characters of JSON. */
const longestDetails = 10_000;

const refusalSchema = z.object({
  ok: z.literal(false),
  problem: problemSchema.pick({ place: true, details: true }).extend({
    code: z.string().max(100),
    detail: z.string().max(100_000),
    remedy: z.string().max(10_000).optional(),
  }),
});

function refusalOf(
  said: z.output<typeof refusalSchema>['problem'],
  code: 'inspection_failed' | 'model_unloadable',
  who: string,
): MusterError {
  const verdict = verdicts.find((known) => known === said.code);
  if (verdict === undefined) return new MusterError(code, `${who} failed: ${said.detail}`);
  const { place, details, remedy } = said;
  return new MusterError(verdict, said.detail, {
    ...(place === undefined ? {} : { place }),
    ...(details === undefined || JSON.stringify(details).length > longestDetails ? {} : { details }),
    ...(remedy === undefined ? {} : { remedy }),
  });
}

function proofIn(answer: z.output<typeof proofSchema>): Proof {
  const { signature, isTable, modelClass, adaptations, sample } = answer;
  const lists = [signature.inputs, signature.outputs, ...(sample === null ? [] : [sample.inputs, sample.outputs])];
  for (const list of lists) {
    const twice = duplicateIn(list.map(({ name }) => name));
    if (twice !== undefined) throw unusable(`two of its tensors are named ${twice}`);
  }
  if (signature.primary !== undefined && !signature.outputs.some(({ name }) => name === signature.primary))
    throw unusable('its primary output is none of its outputs');
  return { signature, isTable, modelClass, adaptations, sample: sample === null ? null : tensorsOf(sample) };
}

function tensorsOf({ inputs, outputs, payload }: NonNullable<z.output<typeof proofSchema>['sample']>) {
  const bytes = new Uint8Array(Buffer.from(payload, 'base64'));
  let tensors: readonly Tensor[];
  try {
    tensors = readTensors([...inputs, ...outputs], bytes);
  } catch (error) {
    throw unusable(error instanceof Error ? error.message : 'its sample is damaged');
  }
  return { inputs: tensors.slice(0, inputs.length), outputs: tensors.slice(inputs.length) };
}

function unusable(why: string): MusterError {
  return new MusterError('model_unloadable', `the program that loaded the model gave no usable answer: ${why}`);
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
