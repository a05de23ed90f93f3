import { fromProblem } from '@muster-ml/protocol';
import { followOperation } from '../handover/follow-operation.ts';
import type { Invocation } from '../invocation.ts';
import { showFacts } from '../output/show-facts.ts';
import { timeText } from '../output/time-text.ts';

export interface OperationShowFlags {
  readonly follow?: boolean;
}

/** Shows an operation; with `--follow` waits for its end. One that failed is shown as its error. */
export async function operationShow(invocation: Invocation, id: string, flags: OperationShowFlags): Promise<void> {
  const { terminal, surroundings } = invocation;
  const client = await invocation.client();
  let operation = await client.call('operationGet', { params: { operation: id } });
  if (flags.follow === true && operation.state === 'running')
    operation = await followOperation(invocation, client, operation, ({ progress }) => progress);
  if (invocation.flags.json === true) return terminal.print(JSON.stringify(operation));
  const when = (time: string | null): string =>
    timeText(time, { relative: terminal.isRead, nowMs: surroundings.now() });
  showFacts(terminal, [
    ['operation', operation.id],
    ['kind', `${operation.kind} of ${operation.subject}`],
    ['state', operation.state],
    ['progress', operation.progress],
    ['result', operation.result === null ? undefined : JSON.stringify(operation.result)],
    ['started', when(operation.createdAt)],
    ['finished', operation.finishedAt === null ? undefined : when(operation.finishedAt)],
  ]);
  if (operation.problem !== null) throw fromProblem(operation.problem);
  if (operation.state === 'running')
    terminal.note(`\nWait for it   muster operation show ${id} --follow\nEnd it        muster operation cancel ${id}`);
}
