import type { ActorDetail } from '@muster-ml/protocol';
import { allPages } from '../context/all-pages.ts';
import type { Invocation } from '../invocation.ts';
import { teamRolesText } from '../output/actor-text.ts';
import { showList } from '../output/show-list.ts';
import { timeText } from '../output/time-text.ts';

/** Lists people and service accounts. */
export async function actorList(invocation: Invocation): Promise<void> {
  const { terminal, surroundings } = invocation;
  const client = await invocation.client();
  const items = await allPages((query) => client.call('actorList', { query }));
  showList(invocation, items, {
    columns: [
      { title: 'NAME', value: ({ name }: ActorDetail) => name, shrinks: true },
      { title: 'KIND', value: ({ kind }) => kind },
      {
        title: 'STATE',
        value: ({ disabled }) => (disabled ? 'disabled' : 'active'),
        paint: (text, { disabled }) => (disabled ? terminal.paint.yellow(text) : text),
      },
      { title: 'ROLES', value: ({ teams }) => teamRolesText(teams) || '-', shrinks: true },
      { title: 'INSTALLATION', value: ({ platformRoles }) => platformRoles.join(', ') || '-' },
      {
        title: 'CREATED',
        value: ({ createdAt }) => timeText(createdAt, { relative: terminal.isRead, nowMs: surroundings.now() }),
      },
      { title: 'ACCOUNT OF', value: ({ team }) => team ?? '-', wide: true },
      { title: 'ID', value: ({ id }) => id, wide: true },
    ],
    name: ({ name }) => name,
    whenEmpty: 'There is nobody whom you may see.',
  });
}
