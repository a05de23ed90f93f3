import type { Team } from '@muster-ml/protocol';
import { allPages } from '../context/all-pages.ts';
import type { Invocation } from '../invocation.ts';
import { showList } from '../output/show-list.ts';
import { timeText } from '../output/time-text.ts';

/** Lists the teams. */
export async function teamList(invocation: Invocation): Promise<void> {
  const { terminal, surroundings } = invocation;
  const client = await invocation.client();
  const items = await allPages((query) => client.call('teamList', { query }));
  showList(invocation, items, {
    columns: [
      { title: 'NAME', value: ({ name }: Team) => name },
      { title: 'MEMBERS', value: ({ members }) => String(members), align: 'right' },
      {
        title: 'CREATED',
        value: ({ createdAt }) => timeText(createdAt, { relative: terminal.isRead, nowMs: surroundings.now() }),
      },
      { title: 'DESCRIPTION', value: ({ description }) => description || '-', shrinks: true },
    ],
    name: ({ name }) => name,
    whenEmpty: 'You are in no team. Ask an admin:  muster role grant viewer YOU --team TEAM',
  });
}
