import type { Client } from '@muster-ml/client';
import { MusterError } from '@muster-ml/protocol';
import { withNearest } from '../context/with-nearest.ts';
import type { Invocation } from '../invocation.ts';
import { commandName } from '../output/command-name.ts';
import { nextCommands } from '../output/next-commands.ts';
import { counted } from '../output/signature-text.ts';
import { asNotes, showChecks } from '../readiness/show-verdict.ts';
import { readCount } from '../units/count.ts';

export interface SubmitFlags {
  readonly number?: string;
  readonly note?: string;
}

/** Asks for production. Where it is refused, the gaps are shown, each with the command that closes it. */
export async function submit(invocation: Invocation, endpoint: string, flags: SubmitFlags): Promise<void> {
  const { terminal } = invocation;
  const version = flags.number === undefined ? {} : { version: readCount('--number', flags.number, 1) };
  const client = await invocation.client();
  const submission = await withNearest(client, 'endpoint', endpoint, async () => {
    try {
      const body = { ...version, ...(flags.note === undefined ? {} : { note: flags.note }) };
      return await client.call('submit', { params: { endpoint }, body });
    } catch (error) {
      if (error instanceof MusterError && error.code === 'not_ready')
        await showGaps(invocation, client, endpoint, version);
      throw error;
    }
  });
  if (invocation.flags.json === true) return terminal.print(JSON.stringify(submission));
  const { id, model, version: number, team, state, approvalsNeeded } = submission;
  terminal.print(id);
  terminal.note(
    `${terminal.paintNotes.green(terminal.symbols.done)} submitted ${model}:${number} of ${endpoint} for ${submission.level}: ${state}`,
  );
  const muster = commandName(invocation);
  if (state !== 'waiting') return nextCommands(terminal, [['See it', `${muster} check ${endpoint}`]]);
  terminal.note(
    `  ${counted(approvalsNeeded, 'approver')} of ${team} ${approvalsNeeded === 1 ? 'has' : 'have'} to approve: nobody who made the version or submitted it.`,
  );
  nextCommands(terminal, [
    ['They look at it', `${muster} approvals show ${id}`],
    ['and approve', `${muster} approve ${endpoint} --reason TEXT`],
  ]);
}

/** On standard error: the error itself follows. A program gets the error alone. */
async function showGaps(
  invocation: Invocation,
  client: Client,
  endpoint: string,
  query: { readonly version?: number },
): Promise<void> {
  if (invocation.flags.json === true) return;
  // That the gaps cannot be shown must not hide the refusal.
  const readiness = await client.call('endpointReadiness', { params: { endpoint }, query }).catch(() => undefined);
  if (readiness === undefined) return;
  // The review is what a submission asks for.
  const gaps = readiness.verdict.checks.filter(({ id, required, holds }) => required && !holds && id !== 'R19');
  showChecks(invocation, asNotes(invocation), gaps);
}
