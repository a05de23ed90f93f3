import { maxWaiverDays } from '@muster-ml/protocol';
import { withNearest } from '../context/with-nearest.ts';
import type { Invocation } from '../invocation.ts';
import { commandName } from '../output/command-name.ts';
import { nextCommands } from '../output/next-commands.ts';
import { readCount } from '../units/count.ts';
import { UsageError } from '../usage-error.ts';

export interface WaiverRequestFlags {
  readonly reason: string;
  readonly days: string;
}

const dayMs = 86_400_000;

/** Asks for an exception from a check for some days; somebody else decides. */
export async function waiverRequest(
  invocation: Invocation,
  endpoint: string,
  check: string,
  flags: WaiverRequestFlags,
): Promise<void> {
  const { terminal, surroundings } = invocation;
  const days = readCount('--days', flags.days, 1);
  if (days > maxWaiverDays)
    throw new UsageError(
      `a waiver lasts at most ${maxWaiverDays} days`,
      `Write \`--days ${maxWaiverDays}\`; ask again when it ends.`,
      '--days',
    );
  const until = new Date(surroundings.now() + days * dayMs).toISOString();
  const client = await invocation.client();
  const waiver = await withNearest(
    client,
    'endpoint',
    endpoint,
    async () =>
      await client.call('waiverRequest', {
        params: { endpoint },
        body: { check: check.toUpperCase(), reason: flags.reason, until },
      }),
  );
  if (invocation.flags.json === true) return terminal.print(JSON.stringify(waiver));
  terminal.print(waiver.id);
  terminal.note(
    `${terminal.paintNotes.green(terminal.symbols.done)} asked to waive ${waiver.check} of ${endpoint} until ${waiver.until.slice(0, 10)}; an approver of ${waiver.team} who is not you decides`,
  );
  nextCommands(terminal, [
    ['They decide', `${commandName(invocation)} waiver approve ${endpoint} ${waiver.id} --reason TEXT`],
  ]);
}
