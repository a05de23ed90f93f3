import { MusterError } from '@muster-ml/protocol';

/** The answer, or undefined where what was asked for does not exist. */
export async function orMissing<T>(answer: Promise<T>): Promise<T | undefined> {
  try {
    return await answer;
  } catch (error) {
    if (error instanceof MusterError && error.kind === 'not_found') return undefined;
    throw error;
  }
}
