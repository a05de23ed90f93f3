import { readSubject } from '../context/access-subject.ts';
import { withNearest } from '../context/with-nearest.ts';
import type { Invocation } from '../invocation.ts';
import { accessLimitsText } from '../output/access-text.ts';
import { commandName } from '../output/command-name.ts';
import { nextCommands } from '../output/next-commands.ts';
import { timeText } from '../output/time-text.ts';
import { readCount } from '../units/count.ts';
import { readDays } from '../units/days.ts';
import { readRate } from '../units/rate.ts';

export interface AccessGrantFlags {
  readonly team?: string;
  readonly rate?: string;
  readonly perDay?: string;
  readonly expires?: string;
}

const mostDays = 3650;

/** Lets an actor or a team call an endpoint; a rule that is there is replaced as a whole. */
export async function accessGrant(
  invocation: Invocation,
  endpoint: string,
  actor: string | undefined,
  flags: AccessGrantFlags,
): Promise<void> {
  const { terminal, surroundings } = invocation;
  const subject = readSubject(actor, flags.team);
  const body = {
    ratePerSecond: flags.rate === undefined ? null : readRate('--rate', flags.rate),
    requestsPerDay: flags.perDay === undefined ? null : readCount('--per-day', flags.perDay, 1),
    expiresInDays: flags.expires === undefined ? null : readDays('--expires', flags.expires, mostDays),
  };
  const client = await invocation.client();
  const rule = await withNearest(
    client,
    'endpoint',
    endpoint,
    async () =>
      await withNearest(
        client,
        subject.subjectKind,
        subject.subject,
        async () => await client.call('accessSet', { params: { endpoint, ...subject }, body }),
      ),
  );
  if (invocation.flags.json === true) terminal.print(JSON.stringify(rule));
  const until =
    rule.expiresAt === null
      ? ''
      : `, until ${timeText(rule.expiresAt, { relative: terminal.isRead, nowMs: surroundings.now() })}`;
  const who = rule.subjectKind === 'team' ? `team ${rule.subjectName}` : rule.subjectName;
  terminal.note(
    `${terminal.paintNotes.green(terminal.symbols.done)} ${who} may call ${endpoint}, ${accessLimitsText(rule)}${until}`,
  );
  nextCommands(terminal, [['See all', `${commandName(invocation)} access list ${endpoint}`]]);
}
