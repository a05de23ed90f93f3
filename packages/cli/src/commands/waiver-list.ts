import type { Waiver } from '@muster-ml/protocol';
import { allPages } from '../context/all-pages.ts';
import { withNearest } from '../context/with-nearest.ts';
import type { Invocation } from '../invocation.ts';
import { showList } from '../output/show-list.ts';
import { timeText } from '../output/time-text.ts';

/** Lists the exceptions of an endpoint, newest first. */
export async function waiverList(invocation: Invocation, endpoint: string): Promise<void> {
  const { terminal, surroundings } = invocation;
  const client = await invocation.client();
  const params = { endpoint };
  const items = await withNearest(
    client,
    'endpoint',
    endpoint,
    async () => await allPages((query) => client.call('waiverList', { params, query })),
  );
  const when = (time: string): string => timeText(time, { relative: terminal.isRead, nowMs: surroundings.now() });
  showList(invocation, items, {
    columns: [
      { title: 'CHECK', value: ({ check }: Waiver) => check },
      { title: 'STATE', value: ({ state }) => state },
      { title: 'UNTIL', value: ({ until }) => when(until) },
      { title: 'REASON', value: ({ reason }) => reason, shrinks: true },
      { title: 'REQUESTED', value: ({ requested }) => requested.by.name ?? requested.by.id, shrinks: true },
      {
        title: 'DECIDED',
        value: ({ decided }) => (decided === null ? '-' : (decided.by.name ?? decided.by.id)),
        shrinks: true,
      },
      { title: 'ID', value: ({ id }) => id },
      { title: 'WHY', value: ({ decided }) => decided?.reason ?? '', wide: true, shrinks: true },
    ],
    name: ({ id }) => id,
    whenEmpty: `No check of ${endpoint} was waived.`,
  });
}
