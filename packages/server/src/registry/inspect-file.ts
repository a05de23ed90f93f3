import {
  type ModelFacts,
  MusterError,
  type Signature,
  fromProblem,
  modelFactsSchema,
  problemSchema,
  signatureSchema,
} from '@muster-ml/protocol';
import { z } from 'zod';

/** What inspection finds in a model file. */
export interface Inspection {
  readonly signature: Signature;
  readonly facts: ModelFacts;
}

/**
 * Inspects a local file with this SHA-256. Throws `invalid_model_file`, `unsupported_model`, `inspection_failed`, and the
 * signal's reason when it aborts.
 */
export type Inspect = (file: string, digest: string, signal: AbortSignal) => Promise<Inspection>;

/**
 * Runs the inspection program on a file: in a cage and within limits, because a file is somebody's code and may end or hang
 * what reads it, or try to look around. Ends with what the program printed, or with the reason why that is nothing.
 */
export type RunInspection = (
  file: string,
  digest: string,
  signal: AbortSignal,
) => Promise<
  { readonly outcome: 'done'; readonly text: string } | { readonly outcome: InspectionLoss; readonly detail: string }
>;

type InspectionLoss = 'failed' | 'timeout' | 'memory' | 'output' | 'cancelled';

const outputSchema = z.union([
  z.object({ ok: z.literal(true), signature: signatureSchema, facts: modelFactsSchema }),
  z.object({ ok: z.literal(false), problem: problemSchema }),
]);

/** Inspects files with the program that `run` starts. What it says is checked like any other input. */
export function createInspector(run: RunInspection): Inspect {
  return async (file, digest, signal) => {
    const end = await run(file, digest, signal);
    signal.throwIfAborted();
    if (end.outcome === 'done') return inspectionIn(end.text);
    throw new MusterError('inspection_failed', `the inspection did not end well: ${end.detail}`);
  };
}

function inspectionIn(text: string): Inspection {
  const output = outputSchema.safeParse(parseJson(text));
  if (!output.success)
    throw new MusterError('inspection_failed', 'the inspection gave no usable answer', { cause: output.error });
  if (output.data.ok) return output.data;
  const error = fromProblem(output.data.problem);
  if (error.code === 'invalid_model_file' || error.code === 'unsupported_model') throw error;
  throw new MusterError('inspection_failed', `the inspection failed: ${error.message}`, { cause: error });
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
