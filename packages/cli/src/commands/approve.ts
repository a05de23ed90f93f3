import { confirmByName } from '../context/confirm.ts';
import type { Invocation } from '../invocation.ts';
import { commandName } from '../output/command-name.ts';
import { nextCommands } from '../output/next-commands.ts';
import { findSubmission } from '../readiness/find-submission.ts';
import { asNotes } from '../readiness/show-verdict.ts';
import { approvalsText, readinessOf, showSubmission } from '../readiness/submission-text.ts';

export interface DecideFlags {
  readonly reason: string;
}

/** Approves a submission, bound to what it showed: if that is not what is there any more, it is refused. */
export async function approve(invocation: Invocation, what: string, { reason }: DecideFlags): Promise<void> {
  const { terminal, flags } = invocation;
  const client = await invocation.client();
  const submission = await findSubmission(client, what);
  const { id, endpoint, model, version, evidenceDigest } = submission;
  if (flags.json !== true)
    showSubmission(invocation, asNotes(invocation), submission, await readinessOf(client, submission));
  await confirmByName(invocation, `You answer for ${model}:${version} of ${endpoint} being in production`, endpoint);
  const approved = await client.call('submissionApprove', {
    params: { submission: id },
    body: { reason, evidenceDigest },
  });
  if (flags.json === true) return terminal.print(JSON.stringify(approved));
  terminal.note(
    `${terminal.paintNotes.green(terminal.symbols.done)} approved ${model}:${version} of ${endpoint} (${approvalsText(approved)})`,
  );
  const entry = approved.approvals.at(-1)?.entry;
  const muster = commandName(invocation);
  nextCommands(terminal, [
    ['See it', `${muster} standing ${endpoint}`],
    ...(entry === undefined ? [] : [['Prove it', `${muster} audit prove ${entry}`] as const]),
  ]);
}
