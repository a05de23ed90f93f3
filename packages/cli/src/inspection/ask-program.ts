import { type ErrorCode, MusterError, catalogue } from '@muster-ml/protocol';
import type { Surroundings } from '../surroundings.ts';
import { type ProgramLimits, runProgram } from './run-program.ts';

/**
 * Runs a program that looks at the file, and answers what it printed, one JSON object. Throws what the program says is
 * wrong with the file, and `inspection_failed` where it did not answer.
 */
export async function askProgram(
  { env, interruption }: Surroundings,
  command: string,
  words: readonly string[],
  path: string,
  limits: ProgramLimits,
): Promise<Readonly<Record<string, unknown>>> {
  const end = await runProgram(command, [...words, path], env, limits, interruption);
  const said = objectIn(end.stdout);
  if (said?.['ok'] === true) return said;
  const problem = said?.['problem'];
  if (typeof problem === 'object' && problem !== null && 'code' in problem && 'detail' in problem) {
    const { code, detail } = problem;
    throw new MusterError(
      isKnown(code) ? code : 'invalid_model_file',
      `${path}: ${String(detail)}`,
      'remedy' in problem && typeof problem.remedy === 'string' ? { remedy: problem.remedy } : {},
    );
  }
  throw new MusterError(
    'inspection_failed',
    `${path}: ${end.reason === 'timeout' ? 'it takes too long' : 'the inspection ended without an answer'}`,
  );
}

function isKnown(code: unknown): code is ErrorCode {
  return typeof code === 'string' && Object.hasOwn(catalogue, code);
}

function objectIn(text: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}
