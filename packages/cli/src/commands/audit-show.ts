import type { Invocation } from '../invocation.ts';
import { commandName } from '../output/command-name.ts';
import { nextCommands } from '../output/next-commands.ts';
import { showFacts } from '../output/show-facts.ts';
import { timeText } from '../output/time-text.ts';
import { readCount } from '../units/count.ts';

/** Shows one audit entry, with the bytes that are hashed. */
export async function auditShow(invocation: Invocation, seqText: string): Promise<void> {
  const { terminal, flags, surroundings } = invocation;
  const seq = readCount('SEQ', seqText, 0);
  const client = await invocation.client();
  const entry = await client.call('auditEntryGet', { params: { seq } });
  if (flags.json === true) return terminal.print(JSON.stringify(entry));
  const { actor, subject, damage } = entry;
  if (damage !== null) {
    showFacts(terminal, [
      ['entry', String(entry.seq)],
      ['damaged', damage],
      ['body', entry.body],
    ]);
    return nextCommands(terminal, [['Check it', `${commandName(invocation)} audit verify`]]);
  }
  const when = timeText(entry.at, { relative: true, nowMs: surroundings.now() });
  showFacts(terminal, [
    ['entry', String(entry.seq)],
    ['at', terminal.isRead ? `${entry.at} (${when})` : entry.at],
    ['actor', actor.name === null ? `${actor.kind} ${actor.id}` : `${actor.name} (${actor.kind} ${actor.id})`],
    ['token', actor.token ?? undefined],
    ['action', entry.action],
    ['subject', `${subject.kind}/${subject.id}${subject.name === null ? '' : ` (${subject.name})`}`],
    ['team', entry.team ?? undefined],
    ['outcome', entry.outcome],
    ['request', entry.request],
    ['before', entry.before ?? undefined],
    ['after', entry.after ?? undefined],
    ...Object.entries(entry.ctx).map(
      ([name, value]) => [name, typeof value === 'string' ? value : JSON.stringify(value)] as const,
    ),
    ['body', entry.body],
  ]);
  nextCommands(terminal, [['Prove it', `${commandName(invocation)} audit prove ${seq} -o entry-${seq}.proof.json`]]);
}
