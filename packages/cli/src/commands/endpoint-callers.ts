import { type EndpointCaller, keptUsageDays, otherCallers } from '@muster-ml/protocol';
import { withNearest } from '../context/with-nearest.ts';
import type { Invocation } from '../invocation.ts';
import { shareBar } from '../output/share-bar.ts';
import { tableOptions } from '../output/show-list.ts';
import { type Column, renderTable } from '../output/table.ts';
import { timeText } from '../output/time-text.ts';
import { readCount } from '../units/count.ts';
import { durationText, readDuration } from '../units/duration.ts';
import { UsageError } from '../usage-error.ts';

export interface EndpointCallersFlags {
  readonly since?: string;
  readonly limit?: string;
}

const hourMs = 3_600_000;

/** Lists who called an endpoint, those with most calls first, each with its part of all calls as a bar. */
export async function endpointCallers(
  invocation: Invocation,
  name: string,
  flags: EndpointCallersFlags,
): Promise<void> {
  const { terminal } = invocation;
  const query = { hours: readHours(flags.since ?? '24h'), limit: readCount('--limit', flags.limit ?? '100', 1) };
  const client = await invocation.client();
  const found = await withNearest(
    client,
    'endpoint',
    name,
    async () => await client.call('endpointCallers', { params: { endpoint: name }, query }),
  );
  if (invocation.flags.json === true) return terminal.print(JSON.stringify(found));
  if (invocation.flags.output === 'name') {
    for (const caller of found.callers) terminal.print(nameOf(caller));
    return;
  }
  if (found.callers.length === 0) return terminal.note(`Nobody called ${name} since ${found.from}.`);
  const { requests, refused } = found.total;
  terminal.print(renderTable(found.callers, columnsFor(invocation, requests + refused), tableOptions(invocation)));
  if (found.omitted > 0) terminal.note(`${countText(found.omitted)} more callers: see them with --limit.`);
}

function columnsFor({ terminal, surroundings }: Invocation, all: number): Column<EndpointCaller>[] {
  const count = (title: string, value: (caller: EndpointCaller) => number): Column<EndpointCaller> => ({
    title,
    align: 'right',
    value: (caller) => countText(value(caller)),
  });
  const { isRead } = terminal;
  return [
    { title: 'CALLER', value: nameOf, shrinks: true },
    count('REQUESTS', ({ requests }) => requests),
    {
      title: 'SHARE',
      value: ({ requests, refused }) =>
        shareBar(Math.round(((requests + refused) / Math.max(1, all)) * 100), terminal.symbols),
    },
    count('ERRORS', ({ clientErrors, serverErrors }) => clientErrors + serverErrors),
    count('REFUSED', ({ refused }) => refused),
    count('ROWS', ({ rows }) => rows),
    {
      title: 'LAST CALL',
      value: ({ lastCallAt }) => timeText(lastCallAt, { relative: isRead, nowMs: surroundings.now() }),
    },
    { title: 'VERSIONS', value: versionsText, shrinks: true },
    { title: 'RUN TIME', value: ({ runMs }) => durationText(runMs), align: 'right', wide: true },
    { title: 'ACTOR', value: ({ actor }) => actor, wide: true },
  ];
}

/** The name, or the id where the name is not ours to see. */
function nameOf({ actor, name }: EndpointCaller): string {
  if (actor === otherCallers) return '(others)';
  return name ?? actor;
}

/** `churn:4 (98), churn:3 (2)`: versions by their calls. */
function versionsText({ versions }: EndpointCaller): string {
  return versions
    .filter(({ requests }) => requests > 0)
    .map(({ model, version, requests }) => `${model === '' ? 'none' : `${model}:${version}`} (${countText(requests)})`)
    .join(', ');
}

function countText(count: number): string {
  return count.toLocaleString('en-GB');
}

/** Whole hours, at least one: what is kept is kept by hour. */
function readHours(text: string): number {
  const hours = Math.ceil(readDuration('--since', text) / hourMs);
  if (hours >= 1 && hours <= keptUsageDays * 24) return hours;
  throw new UsageError(`\`${text}\` is not 1h to ${keptUsageDays}d`, 'Write `--since 24h`.', '--since');
}
