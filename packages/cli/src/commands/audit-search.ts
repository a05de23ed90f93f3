import type { CallOptions } from '@muster-ml/client';
import type { AuditEntry } from '@muster-ml/protocol';
import { allPages } from '../context/all-pages.ts';
import type { Invocation } from '../invocation.ts';
import { commandName } from '../output/command-name.ts';
import { nextCommands } from '../output/next-commands.ts';
import { showList } from '../output/show-list.ts';
import { timeText } from '../output/time-text.ts';
import { readCount } from '../units/count.ts';
import { readTime } from '../units/time.ts';

export interface AuditSearchFlags {
  readonly actor?: string;
  readonly action?: string;
  readonly subject?: string;
  readonly outcome?: string;
  readonly since?: string;
  readonly until?: string;
  readonly limit?: string;
}

/** Lists the audit entries that match, newest first. */
export async function auditSearch(invocation: Invocation, flags: AuditSearchFlags): Promise<void> {
  const { terminal, surroundings } = invocation;
  const limit = readCount('--limit', flags.limit ?? '50', 1);
  const filter = filterOf(flags, surroundings.now());
  const client = await invocation.client();
  // One more than is shown tells whether there is more.
  const found = await allPages((query) => client.call('auditEntryList', { query: { ...filter, ...query } }), limit + 1);
  const items = found.slice(0, limit);
  showList(invocation, items, {
    columns: [
      { title: 'ENTRY', value: ({ seq }: AuditEntry) => String(seq), align: 'right' },
      {
        title: 'WHEN',
        value: ({ at }) => timeText(at, { relative: terminal.isRead, nowMs: surroundings.now() }),
      },
      { title: 'ACTOR', value: ({ actor }) => actor.name ?? (actor.id || '-'), shrinks: true },
      { title: 'ACTION', value: ({ action, damage }) => (damage === null ? action : 'DAMAGED') },
      { title: 'SUBJECT', value: ({ subject }) => `${subject.kind}/${subject.name ?? subject.id}`, shrinks: true },
      { title: 'OUTCOME', value: ({ outcome }) => outcome },
      { title: 'TEAM', value: ({ team }) => team ?? '-', wide: true },
      { title: 'REQUEST', value: ({ request }) => request, wide: true, shrinks: true },
    ],
    name: ({ seq }) => String(seq),
    whenEmpty: 'No entry matches, or none that you may see.',
  });
  if (found.length > limit) terminal.note(`There are more: --limit ${limit * 2} shows further ones.`);
  const [first] = items;
  if (first !== undefined) nextCommands(terminal, [['See one', `${commandName(invocation)} audit show ${first.seq}`]]);
}

type Query = NonNullable<CallOptions<'auditEntryList'>['query']>;

function filterOf(flags: AuditSearchFlags, nowMs: number): Query {
  const { actor, action, subject, outcome, since, until } = flags;
  return {
    ...(actor === undefined ? {} : { actor }),
    ...(action === undefined ? {} : { action }),
    ...(subject === undefined ? {} : { subject }),
    ...(outcome === undefined ? {} : { outcome: outcome as Query['outcome'] }),
    ...(since === undefined ? {} : { from: readTime('--since', since, nowMs) }),
    ...(until === undefined ? {} : { until: readTime('--until', until, nowMs) }),
  };
}
