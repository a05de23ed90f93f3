import type { CallOptions } from '@muster-ml/client';
import type { FleetEndpoint } from '@muster-ml/protocol';
import { allPages } from '../context/all-pages.ts';
import type { Invocation } from '../invocation.ts';
import { commandName } from '../output/command-name.ts';
import { actionText } from '../output/history-text.ts';
import { nextCommands } from '../output/next-commands.ts';
import { paintStanding } from '../output/standing-text.ts';
import { showList } from '../output/show-list.ts';
import type { Column } from '../output/table.ts';
import { timeText } from '../output/time-text.ts';

export interface FleetFlags {
  readonly team?: string;
  readonly search?: string;
  readonly sort?: string;
  readonly standing?: string;
  readonly orphans?: boolean;
}

type Query = NonNullable<CallOptions<'fleetList'>['query']>;

/** Lists every endpoint: whose it is and why, where it stands, what is live, how it was used, who changed it last. */
export async function fleet(invocation: Invocation, flags: FleetFlags): Promise<void> {
  const { team, search, sort, standing, orphans } = flags;
  const filter: Query = {
    ...(team === undefined ? {} : { team }),
    ...(search === undefined ? {} : { search }),
    ...(standing === undefined ? {} : { standing: standing as Query['standing'] }),
    ...(orphans === true ? { orphans: 'true' } : {}),
    // One of the choices that the grammar lets through.
    ...(sort === undefined ? {} : { sort: sort as Query['sort'] }),
  };
  const client = await invocation.client();
  const items = await allPages((query) => client.call('fleetList', { query: { ...filter, ...query } }));
  const isFiltered = [team, search, standing, orphans].some((filtered) => filtered !== undefined);
  showList(invocation, items, {
    columns: columns(invocation),
    name: ({ name }) => name,
    whenEmpty: isFiltered
      ? 'No endpoint matches, or none that you may see.'
      : 'No endpoints yet. Make the first:  muster deploy model.onnx --name fraud',
  });
  const [first] = items;
  if (first === undefined || invocation.flags.json === true || invocation.flags.output === 'name') return;
  nextCommands(invocation.terminal, [['What was live', `${commandName(invocation)} history ${first.name}`]]);
}

function columns({ terminal, surroundings }: Invocation): Column<FleetEndpoint>[] {
  const when = (time: string): string => timeText(time, { relative: terminal.isRead, nowMs: surroundings.now() });
  return [
    { title: 'NAME', value: ({ name }) => name },
    { title: 'TEAM', value: ({ team }) => team, shrinks: true },
    { title: 'OWNER', value: ({ owner }) => owner.name ?? owner.id, shrinks: true },
    { title: 'USE CASE', value: ({ useCase }) => useCase ?? '-', shrinks: true },
    {
      title: 'STANDING',
      value: ({ standing }) => standing,
      paint: (text, { standing }) => paintStanding(terminal, standing)(text),
    },
    {
      title: 'SINCE',
      value: ({ standingSince }) => (standingSince === null ? '-' : when(standingSince)),
      wide: true,
    },
    { title: 'VERSIONS', value: versionsText, shrinks: true },
    // Of the last 24 hours, as the help says.
    { title: 'CALLERS', value: ({ usage }) => countText(usage?.callers), align: 'right' },
    { title: 'REQUESTS', value: ({ usage }) => countText(usage?.requests), align: 'right' },
    {
      title: 'ERRORS',
      value: ({ usage }) => countText(usage?.errors),
      align: 'right',
      paint: (text, { usage }) => ((usage?.errors ?? 0) > 0 ? terminal.paint.red(text) : text),
    },
    { title: 'CHANGED', value: ({ changed }) => when(changed.at) },
    { title: 'BY', value: ({ changed }) => changed.by?.name ?? changed.by?.id ?? '-', shrinks: true },
    { title: 'DID', value: ({ changed }) => actionText(changed), wide: true },
    { title: 'ENTRY', value: ({ changed }) => String(changed.entry ?? '-'), align: 'right', wide: true },
    { title: 'CREATED', value: ({ createdAt }) => when(createdAt), wide: true },
  ];
}

/** `churn:3, churn:4 (canary 10 %)`; `-` where nothing has traffic. */
function versionsText({ live, canary, shadow }: FleetEndpoint): string {
  const named = (served: FleetEndpoint['live'], role: string): string[] =>
    served === null
      ? []
      : [`${served.model}:${served.version}${role === '' ? '' : ` (${role} ${served.sharePercent} %)`}`];
  return [...named(live, ''), ...named(canary, 'canary'), ...named(shadow, 'shadow')].join(', ') || '-';
}

/** Nothing counted is not none. */
function countText(count: number | undefined): string {
  return count === undefined ? '-' : count.toLocaleString('en-GB');
}
