import type { Client } from '@muster-ml/client';
import { MusterError, type Operation, fromProblem } from '@muster-ml/protocol';
import { Interrupted } from '../interrupted.ts';
import type { Invocation } from '../invocation.ts';
import { beginStep } from '../output/progress.ts';
import { safeText } from '../output/text-width.ts';

/**
 * Waits for the end of an operation and shows what it does. Returns it when it succeeded; throws its error when it failed.
 * Ctrl-C ends the waiting only: the operation goes on, and the error says how to look at it.
 */
export async function followOperation(
  invocation: Invocation,
  client: Client,
  operation: Operation,
  doneText: (ended: Operation) => string | Promise<string>,
): Promise<Operation> {
  const { terminal, surroundings } = invocation;
  const step = beginStep(terminal, safeText(operation.progress));
  let ended: Operation;
  try {
    ended = await client.follow(operation, {
      onChange: ({ progress }) => step.update(safeText(progress)),
      signal: surroundings.interruption,
    });
    if (ended.state === 'succeeded') step.done(await doneText(ended));
  } catch (error) {
    step.drop();
    if (surroundings.interruption.aborted)
      throw new Interrupted(`It goes on in the server: muster operation show ${operation.id}`);
    throw error;
  }
  if (ended.state === 'succeeded') return ended;
  step.fail(safeText(ended.progress));
  if (ended.problem !== null) throw fromProblem(ended.problem);
  throw new MusterError('operation_cancelled', `operation ${ended.id} was cancelled`);
}
