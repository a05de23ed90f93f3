import { type Operation, fromProblem } from '@muster-ml/protocol';
import type { Operations } from '../platform/operations/index.ts';

/** Waits for the end of an operation. Throws its problem where it did not succeed, and the signal's reason. */
export async function endOf(operations: Operations, { id }: Operation, signal: AbortSignal): Promise<Operation> {
  let seen: Operation | undefined;
  for await (const now of operations.watch(id, signal)) seen = now;
  signal.throwIfAborted();
  if (seen?.state === 'succeeded') return seen;
  throw seen?.problem === null || seen?.problem === undefined
    ? new Error(`operation ${id} did not end`)
    : fromProblem(seen.problem);
}
