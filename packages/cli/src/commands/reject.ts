import type { Invocation } from '../invocation.ts';
import { findSubmission } from '../readiness/find-submission.ts';
import type { DecideFlags } from './approve.ts';

/** Rejects a submission, with the reason; it may be submitted again. */
export async function reject(invocation: Invocation, what: string, { reason }: DecideFlags): Promise<void> {
  const { terminal, flags } = invocation;
  const client = await invocation.client();
  const { id } = await findSubmission(client, what);
  const rejected = await client.call('submissionReject', { params: { submission: id }, body: { reason } });
  if (flags.json === true) return terminal.print(JSON.stringify(rejected));
  const { endpoint, model, version } = rejected;
  terminal.note(
    `${terminal.paintNotes.green(terminal.symbols.done)} rejected ${model}:${version} of ${endpoint}; who submitted it sees the reason`,
  );
}
