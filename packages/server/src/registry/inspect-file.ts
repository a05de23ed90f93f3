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
import { type ProgramEnd, runProgram } from '../platform/processes/index.ts';

/** What inspection finds in a model file. */
export interface Inspection {
  readonly signature: Signature;
  readonly facts: ModelFacts;
}

/** Inspects a file. Throws `invalid_model_file`, `unsupported_model`, `inspection_failed`. */
export type Inspect = (file: string) => Promise<Inspection>;

export interface InspectorOptions {
  /** Path of the inspection program of the runtime; a `.ts` path runs from the sources. */
  readonly program: string;
  readonly timeoutMs: number;
  /** Most memory of one inspection; loading takes a few times the size of the file. */
  readonly memoryBytes: number;
  /** How many run at once; more wait. */
  readonly concurrency?: number | undefined;
  /** Wraps the command in the cage that runners get, where there is one. */
  readonly cage?: ((command: readonly string[], file: string) => readonly string[]) | undefined;
}

const maxOutputBytes = 16 * 1024 * 1024;

/**
 * The kernel's own limit on CPU time: should this process be killed, a file that hangs its inspection does not hang on to
 * a core for ever. Above what the timeout allows on a few cores.
 */
const limitedScript = 'ulimit -t "$1"; shift; exec "$@"';
const cpuSecondsPerSecond = 8;

const outputSchema = z.union([
  z.object({ ok: z.literal(true), signature: signatureSchema, facts: modelFactsSchema }),
  z.object({ ok: z.literal(false), problem: problemSchema }),
]);

/**
 * Inspects files in a process of their own, which is limited in time, memory and output, and has an empty environment:
 * a file is somebody's code and may end or hang what reads it. What it says is checked like any other input.
 */
export function createInspector(options: InspectorOptions): Inspect {
  const limited = createTurns(options.concurrency ?? 2);
  const conditions = options.program.endsWith('.ts') ? ['--conditions=muster-source'] : [];
  return (file) =>
    limited(async () => {
      const plain = [process.execPath, ...conditions, options.program, file];
      const seconds = String(Math.ceil(options.timeoutMs / 1000) * cpuSecondsPerSecond);
      const end = await runProgram({
        command: '/bin/sh',
        arguments: ['-c', limitedScript, 'sh', seconds, ...(options.cage?.(plain, file) ?? plain)],
        environment: {},
        timeoutMs: options.timeoutMs,
        memoryBytes: options.memoryBytes,
        maxOutputBytes,
      });
      return inspectionIn(end);
    });
}

function inspectionIn(end: ProgramEnd): Inspection {
  if (end.outcome !== 'done')
    throw new MusterError('inspection_failed', `the inspection did not end well: ${end.detail}`);
  const output = outputSchema.safeParse(parseJson(end.output));
  if (!output.success)
    throw new MusterError('inspection_failed', 'the inspection gave no usable answer', { cause: output.error });
  if (output.data.ok) return output.data;
  const error = fromProblem(output.data.problem);
  if (error.code === 'invalid_model_file' || error.code === 'unsupported_model') throw error;
  throw new MusterError('inspection_failed', `the inspection failed: ${error.message}`, { cause: error });
}

function parseJson(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder().decode(bytes));
  } catch {
    return undefined;
  }
}

/** Runs at most `count` at once, the others in their order. */
function createTurns(count: number): <R>(work: () => Promise<R>) => Promise<R> {
  const waiting: (() => void)[] = [];
  let running = 0;
  return async (work) => {
    if (running === count) await new Promise<void>((resolve) => void waiting.push(resolve));
    else running++;
    try {
      return await work();
    } finally {
      const next = waiting.shift();
      if (next === undefined) running--;
      else next();
    }
  };
}
