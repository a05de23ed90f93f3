import type { CallOptions } from '@muster-ml/client';
import type { RoadTimes, Spread, TimeToProduction } from '@muster-ml/protocol';
import type { Invocation } from '../invocation.ts';
import { commandName } from '../output/command-name.ts';
import { nextCommands } from '../output/next-commands.ts';
import { shareBar } from '../output/share-bar.ts';
import { tableOptions } from '../output/show-list.ts';
import { type Column, renderTable } from '../output/table.ts';
import { readTime } from '../units/time.ts';

export interface InsightsTimeFlags {
  readonly team?: string;
  readonly from?: string;
  readonly until?: string;
}

type Query = NonNullable<CallOptions<'insightsTime'>['query']>;
type Stage = RoadTimes['stages'][number];
type Waiting = TimeToProduction['waiting'][number];

/** How many of those that wait are shown; all are in the JSON. */
const waitingShown = 10;

/** Shows the time to production: stage by stage, for newcomers, per team, and what waits now. */
export async function insightsTime(invocation: Invocation, flags: InsightsTimeFlags): Promise<void> {
  const { terminal, surroundings } = invocation;
  const nowMs = surroundings.now();
  const query: Query = {
    ...(flags.team === undefined ? {} : { team: flags.team }),
    ...(flags.from === undefined ? {} : { from: readTime('--from', flags.from, nowMs) }),
    ...(flags.until === undefined ? {} : { until: readTime('--until', flags.until, nowMs) }),
  };
  const client = await invocation.client();
  const report = await client.call('insightsTime', { query });
  if (invocation.flags.json === true) return terminal.print(JSON.stringify(report));
  if (invocation.flags.output === 'name') {
    for (const { endpoint } of report.waiting) terminal.print(endpoint);
    return;
  }
  showTimes(invocation, report);
  showWaiting(invocation, report);
}

function showTimes(invocation: Invocation, { all, newcomers, teams }: TimeToProduction): void {
  const { terminal } = invocation;
  if (all.total.count === 0) {
    terminal.note('No endpoint that you may see came into production in that time.');
    return;
  }
  terminal.print(`To production: ${spreadText(all.total)}.`);
  if (newcomers.total.count > 0) terminal.print(`Of newcomers:  ${spreadText(newcomers.total)}.`);
  terminal.print('');
  terminal.print(renderTable(all.stages, stageColumns(invocation), tableOptions(invocation)));
  if (teams.length < 2) return;
  terminal.print('');
  terminal.print(renderTable(teams, teamColumns, tableOptions(invocation)));
}

function showWaiting(invocation: Invocation, { waiting, waitingCount }: TimeToProduction): void {
  const { terminal } = invocation;
  const shown = waiting.slice(0, waitingShown);
  const [longest] = shown;
  if (longest === undefined) return;
  terminal.print('');
  terminal.print(renderTable(shown, waitingColumns, tableOptions(invocation)));
  if (waitingCount > shown.length) terminal.note(`${waitingCount} wait; these have waited longest.`);
  nextCommands(terminal, [['What is missing', `${commandName(invocation)} check ${longest.endpoint}`]]);
}

function stageColumns({ terminal }: Invocation): Column<Stage>[] {
  return [
    { title: 'STAGE', value: ({ stage }) => stage },
    { title: 'MEDIAN', value: ({ medianMs }) => spanText(medianMs), align: 'right' },
    { title: 'P90', value: ({ p90Ms }) => spanText(p90Ms), align: 'right' },
    {
      title: 'SHARE OF THE TIME',
      value: ({ share }) => (share === null ? '-' : shareBar(Math.round(share * 100), terminal.symbols)),
    },
    { title: 'WAITS FOR', value: ({ waitsFor }) => waitsFor },
    { title: 'ENDPOINTS', value: ({ count }) => String(count), align: 'right', wide: true },
  ];
}

const teamColumns: readonly Column<TimeToProduction['teams'][number]>[] = [
  { title: 'TEAM', value: ({ team }) => team, shrinks: true },
  { title: 'ENDPOINTS', value: ({ total }) => String(total.count), align: 'right' },
  { title: 'MEDIAN', value: ({ total }) => spanText(total.medianMs), align: 'right' },
  { title: 'P90', value: ({ total }) => spanText(total.p90Ms), align: 'right' },
  { title: 'MOST OF IT', value: mostText },
];

const waitingColumns: readonly Column<Waiting>[] = [
  { title: 'WAITING', value: ({ endpoint }) => endpoint },
  { title: 'TEAM', value: ({ team }) => team, shrinks: true },
  { title: 'STAGE', value: ({ stage }) => stage },
  { title: 'FOR', value: ({ ms }) => spanText(ms), align: 'right' },
  { title: 'WAITS FOR', value: ({ waitsFor }) => waitsFor },
  { title: 'SINCE', value: ({ since }) => since, wide: true },
];

/** The stage in which most of the time went by: `proving 61 %`. */
function mostText({ stages }: RoadTimes): string {
  const [most] = stages.toSorted((one, other) => (other.share ?? 0) - (one.share ?? 0));
  return most === undefined || most.share === null ? '-' : `${most.stage} ${Math.round(most.share * 100)} %`;
}

function spreadText({ count, medianMs, p90Ms }: Spread): string {
  const endpoints = count === 1 ? '1 endpoint' : `${count} endpoints`;
  return `${endpoints}, median ${spanText(medianMs)}, p90 ${spanText(p90Ms)}`;
}

const unitsMs = [
  ['d', 86_400_000],
  ['h', 3_600_000],
  ['min', 60_000],
] as const;

/** A span as people plan by it: `12 d`, `1.5 d`, `3.0 h`, `0 s`. */
function spanText(spanMs: number | null): string {
  if (spanMs === null) return '-';
  for (const [unit, ms] of unitsMs)
    if (spanMs >= ms) return `${spanMs >= 10 * ms ? Math.round(spanMs / ms) : (spanMs / ms).toFixed(1)} ${unit}`;
  return `${Math.round(spanMs / 1000)} s`;
}
