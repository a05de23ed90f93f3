import type { AccessRule } from '@muster-ml/protocol';
import { allPages } from '../context/all-pages.ts';
import { withNearest } from '../context/with-nearest.ts';
import type { Invocation } from '../invocation.ts';
import { accessLimitsText } from '../output/access-text.ts';
import { showList } from '../output/show-list.ts';
import { timeText } from '../output/time-text.ts';

/** Lists who may call an endpoint besides the roles of its team. */
export async function accessList(invocation: Invocation, endpoint: string): Promise<void> {
  const { terminal, surroundings } = invocation;
  const client = await invocation.client();
  const params = { endpoint };
  const items = await withNearest(
    client,
    'endpoint',
    endpoint,
    async () => await allPages((query) => client.call('accessList', { params, query })),
  );
  const when = (time: string | null): string =>
    timeText(time, { relative: terminal.isRead, nowMs: surroundings.now() });
  showList(invocation, items, {
    columns: [
      { title: 'WHO', value: ({ subjectName }: AccessRule) => subjectName, shrinks: true },
      { title: 'KIND', value: ({ subjectKind }) => subjectKind },
      { title: 'LIMITS', value: accessLimitsText },
      { title: 'EXPIRES', value: ({ expiresAt }) => when(expiresAt) },
      { title: 'SINCE', value: ({ createdAt }) => when(createdAt) },
      { title: 'BY', value: ({ createdBy }) => createdBy, wide: true, shrinks: true },
    ],
    name: ({ subjectName }) => subjectName,
    whenEmpty: `Only its team calls ${endpoint}. Let somebody else:  muster access grant ${endpoint} ACTOR`,
  });
}
