import type { CallOptions } from '@muster-ml/client';
import type { Notification } from '@muster-ml/protocol';
import { allPages } from '../context/all-pages.ts';
import type { Invocation } from '../invocation.ts';
import { commandName } from '../output/command-name.ts';
import { showList } from '../output/show-list.ts';
import { timeText } from '../output/time-text.ts';
import { readCount } from '../units/count.ts';

export interface NotificationListFlags {
  readonly team?: string;
  readonly event?: Notification['event'];
  readonly limit?: string;
}

type Query = NonNullable<CallOptions<'notificationList'>['query']>;
type Delivery = Notification['deliveries'][number];

/** Lists what people were told, and how far each channel is; newest first. */
export async function notificationList(invocation: Invocation, flags: NotificationListFlags): Promise<void> {
  const { terminal, surroundings } = invocation;
  const most = flags.limit === undefined ? 50 : readCount('--limit', flags.limit, 1);
  const filter: Query = {
    ...(flags.team === undefined ? {} : { team: flags.team }),
    ...(flags.event === undefined ? {} : { event: flags.event }),
  };
  const client = await invocation.client();
  const found = await allPages(
    async (query) => await client.call('notificationList', { query: { ...filter, ...query } }),
    most + 1,
  );
  const items = found.slice(0, most);
  showList(invocation, items, {
    columns: [
      {
        title: 'WHEN',
        value: ({ at }: Notification) => timeText(at, { relative: terminal.isRead, nowMs: surroundings.now() }),
      },
      { title: 'EVENT', value: ({ event }) => event },
      { title: 'TEAM', value: ({ team }) => team ?? '-' },
      { title: 'TOLD', value: ({ title }) => title, shrinks: true },
      {
        title: 'CHANNELS',
        value: ({ deliveries }) => summaryOf(deliveries),
        paint: (text, { deliveries }) =>
          deliveries.some(({ state }) => state === 'given up') ? terminal.paint.red(text) : text,
        shrinks: true,
      },
      {
        title: 'PROBLEMS',
        value: ({ deliveries }) =>
          deliveries.flatMap(({ channel, problem }) => (problem === null ? [] : [`${channel}: ${problem}`])).join('; '),
        wide: true,
      },
      { title: 'ID', value: ({ id }) => id, wide: true },
    ],
    name: ({ id }) => id,
    whenEmpty: `Nobody was told anything that you may see. Try the channels:  ${commandName(invocation)} notification test`,
  });
  if (found.length > most && invocation.flags.json !== true && invocation.flags.output !== 'name')
    terminal.note(`There are more: --limit ${most * 2} shows further ones.`);
}

/** `2 delivered`, or what is not, by name. */
function summaryOf(deliveries: readonly Delivery[]): string {
  if (deliveries.length === 0) return '-';
  const open = deliveries.filter(({ state }) => state !== 'delivered');
  const delivered = deliveries.length - open.length;
  return [
    ...(delivered === 0 ? [] : [`${delivered} delivered`]),
    ...open.map(({ channel, state, attempts }) => `${channel} ${state}${attempts === 0 ? '' : ` (${attempts} tried)`}`),
  ].join(', ');
}
