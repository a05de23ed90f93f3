import type { Secret } from '@muster-ml/protocol';
import { allPages } from '../context/all-pages.ts';
import type { Invocation } from '../invocation.ts';
import { showList } from '../output/show-list.ts';
import { timeText } from '../output/time-text.ts';

/** Lists the secrets that may be seen, never their values. */
export async function secretList(invocation: Invocation): Promise<void> {
  const { terminal, surroundings } = invocation;
  const client = await invocation.client();
  const items = await allPages((query) => client.call('secretList', { query }));
  const when = (time: string | undefined): string =>
    timeText(time ?? null, { relative: terminal.isRead, nowMs: surroundings.now() });
  showList(invocation, items, {
    columns: [
      { title: 'SECRET', value: ({ team, name }: Secret) => `${team}/${name}` },
      { title: 'VERSION', value: ({ version }) => String(version), align: 'right' },
      { title: 'SET', value: ({ versions }) => when(versions[0]?.setAt) },
      { title: 'USED BY', value: usersText, shrinks: true },
      { title: 'BY', value: ({ versions }) => versions[0]?.setBy ?? '-', wide: true, shrinks: true },
      { title: 'CREATED', value: ({ createdAt }) => when(createdAt), wide: true },
    ],
    name: ({ team, name }) => `${team}/${name}`,
    whenEmpty: 'No secrets yet. Set one:  muster secret set default/feature-store --from-file password.txt',
  });
}

/** The endpoints that use it. */
function usersText({ usedBy }: Secret): string {
  return [...new Set(usedBy.map(({ endpoint }) => endpoint))].join(', ') || '-';
}
