import type { Member } from '@muster-ml/protocol';
import { allPages } from '../context/all-pages.ts';
import { withNearest } from '../context/with-nearest.ts';
import type { Invocation } from '../invocation.ts';
import { showFacts } from '../output/show-facts.ts';
import { tableOptions } from '../output/show-list.ts';
import { type Column, renderTable } from '../output/table.ts';
import { timeText } from '../output/time-text.ts';

/** Shows a team, and who holds which role in it. */
export async function teamShow(invocation: Invocation, name: string): Promise<void> {
  const { terminal, flags, surroundings } = invocation;
  const client = await invocation.client();
  const params = { team: name };
  const team = await withNearest(client, 'team', name, async () => await client.call('teamGet', { params }));
  const members = await allPages((query) => client.call('memberList', { params, query }));
  // The document says how many there are; here it says who.
  if (flags.json === true) return terminal.print(JSON.stringify({ ...team, members }));
  if (flags.output === 'name') return terminal.print(team.name);
  showFacts(terminal, [
    ['team', team.name],
    ['description', team.description],
    ['created', timeText(team.createdAt, { relative: terminal.isRead, nowMs: surroundings.now() })],
  ]);
  if (members.length === 0) return;
  terminal.print('');
  terminal.print(renderTable(members, memberColumns, tableOptions(invocation)));
}

const memberColumns: readonly Column<Member>[] = [
  { title: 'MEMBER', value: ({ name }) => name, shrinks: true },
  { title: 'KIND', value: ({ kind }) => kind },
  { title: 'ROLES', value: ({ roles }) => roles.map(({ role }) => role).join(', '), shrinks: true },
  {
    title: 'FROM',
    value: ({ roles }) => [...new Set(roles.flatMap(({ sources }) => sources))].join(', '),
    wide: true,
  },
  { title: 'ID', value: ({ actor }) => actor, wide: true },
];
