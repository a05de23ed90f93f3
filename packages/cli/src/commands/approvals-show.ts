import type { Invocation } from '../invocation.ts';
import { commandName } from '../output/command-name.ts';
import { nextCommands } from '../output/next-commands.ts';
import { findSubmission } from '../readiness/find-submission.ts';
import { asData } from '../readiness/show-verdict.ts';
import { readinessOf, showSubmission } from '../readiness/submission-text.ts';

/** Shows what was submitted, as an approver has to see it: the version, the note, and what the checks find. */
export async function approvalsShow(invocation: Invocation, what: string): Promise<void> {
  const { terminal, flags } = invocation;
  const client = await invocation.client();
  const submission = await findSubmission(client, what);
  if (flags.json === true) return terminal.print(JSON.stringify(submission));
  showSubmission(invocation, asData(invocation), submission, await readinessOf(client, submission));
  if (submission.state !== 'waiting') return;
  const muster = commandName(invocation);
  nextCommands(terminal, [
    ['Approve it', `${muster} approve ${submission.id} --reason TEXT`],
    ['or reject it', `${muster} reject ${submission.id} --reason TEXT`],
  ]);
}
