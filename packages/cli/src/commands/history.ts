import type { CallOptions, Client } from '@muster-ml/client';
import { type HistoryInterval, MusterError, nearestName } from '@muster-ml/protocol';
import { allPages } from '../context/all-pages.ts';
import { namesOf } from '../context/with-nearest.ts';
import { readModelReference } from '../handover/model-reference.ts';
import type { Invocation } from '../invocation.ts';
import { commandName } from '../output/command-name.ts';
import { decisionText, endText, inOrder, lastDecision, momentText } from '../output/history-text.ts';
import { nextCommands } from '../output/next-commands.ts';
import { shareBar } from '../output/share-bar.ts';
import { showList } from '../output/show-list.ts';
import type { Column } from '../output/table.ts';
import { safeText } from '../output/text-width.ts';
import { timeText } from '../output/time-text.ts';
import { readCount } from '../units/count.ts';
import { readTime } from '../units/time.ts';
import { UsageError } from '../usage-error.ts';

export interface HistoryFlags {
  readonly at?: string;
  readonly since?: string;
  readonly until?: string;
  readonly model?: boolean;
  readonly limit?: string;
}

type Query = NonNullable<CallOptions<'historyList'>['query']>;

/** Narrower terminals get the numbers alone. */
const widthWithBars = 96;

/** What was live, at a moment or over a time, at which share, and who decided it. */
export async function history(invocation: Invocation, name: string | undefined, flags: HistoryFlags): Promise<void> {
  const { terminal, surroundings } = invocation;
  const nowMs = surroundings.now();
  const times = timesOf(flags, nowMs);
  const limit = flags.limit === undefined ? undefined : readCount('--limit', flags.limit, 1);
  const client = await invocation.client();
  const about = name === undefined ? {} : await subjectOf(client, name, flags.model === true);
  const most = limit ?? (times.at === undefined ? 50 : 100_000);
  const found = await allPages(
    (query) => client.call('historyList', { query: { ...times, ...about, ...query } }),
    most + 1,
  );
  const shown = found.slice(0, most);
  const items = times.at === undefined ? shown : inOrder(shown);
  showList(invocation, items, {
    columns: columns(invocation),
    name: ({ deployment }) => deployment,
    whenEmpty: times.at === undefined ? 'Nothing was live.' : `Nothing was live at ${times.at}.`,
  });
  const [first] = items;
  if (first === undefined || invocation.flags.json === true || invocation.flags.output === 'name') return;
  if (found.length > most) terminal.note(`There are more: --limit ${most * 2} shows further ones.`);
  if (times.at !== undefined && items.every(({ endpoint }) => endpoint === first.endpoint))
    terminal.print(`\n${safeText(momentText(times.at, first.endpoint, items))}`);
  const entry = lastDecision(items)?.entry ?? null;
  if (entry !== null) nextCommands(terminal, [['Prove it', `${commandName(invocation)} audit prove ${entry}`]]);
}

function timesOf({ at, since, until }: HistoryFlags, nowMs: number): Query {
  if (at !== undefined && (since !== undefined || until !== undefined))
    throw new UsageError('--at is one moment', 'Leave out --since and --until, or --at.', '--at');
  return {
    ...(at === undefined ? {} : { at: readTime('--at', at, nowMs) }),
    ...(since === undefined ? {} : { from: readTime('--since', since, nowMs) }),
    ...(until === undefined ? {} : { until: readTime('--until', until, nowMs) }),
  };
}

/** An endpoint of that name, else a model; `churn:3` is a version. Throws `endpoint_not_found` where neither has a history. */
async function subjectOf(client: Client, name: string, isModel: boolean): Promise<Query> {
  const reference = readModelReference(name);
  if (reference !== undefined && 'alias' in reference)
    throw new UsageError(`\`${name}\` is an alias, which moves`, `Write a version: \`${reference.model}:1\`.`, 'NAME');
  const asEndpoint = /^[a-z][a-z0-9-]*$/.test(name) && name.length <= 53 && !isModel ? [{ endpoint: name }] : [];
  const subjects: Query[] = reference === undefined ? [...asEndpoint, { model: name }] : [reference];
  for (const subject of subjects) {
    const { items } = await client.call('historyList', { query: { ...subject, limit: 1 } });
    if (items.length > 0) return subject;
  }
  const known = await Promise.all(
    (['endpoint', 'model'] as const).map(async (kind) => await namesOf(client, kind).catch(() => [])),
  );
  // A name that is there was never live.
  if (known.flat().includes(reference?.model ?? name)) return subjects[0] ?? {};
  const near = nearestName(name, known.flat());
  throw new MusterError('endpoint_not_found', `there is no endpoint and no model ${name}, and there was none`, {
    remedy: near === undefined ? 'muster history shows what was live.' : `${near} exists: check the name.`,
  });
}

function columns({ terminal, surroundings }: Invocation): Column<HistoryInterval>[] {
  const when = (time: string): string => timeText(time, { relative: terminal.isRead, nowMs: surroundings.now() });
  return [
    {
      title: 'ENDPOINT',
      value: ({ endpoint, deleted }) => (deleted ? `${endpoint} (deleted)` : endpoint),
    },
    { title: 'ROLE', value: ({ role }) => role },
    { title: 'VERSION', value: ({ model, version }) => `${model}:${version}`, shrinks: true },
    {
      title: 'SHARE',
      value: ({ sharePercent }) =>
        terminal.width < widthWithBars ? `${sharePercent} %` : shareBar(sharePercent, terminal.symbols),
      align: 'right',
      paint: (text, { role }) => (role === 'live' ? terminal.paint.green(text) : terminal.paint.yellow(text)),
    },
    { title: 'FROM', value: ({ from }) => when(from) },
    {
      title: 'UNTIL',
      value: ({ until, why }) => (until === null ? 'now' : `${when(until)}${why === null ? '' : ` (${why})`}`),
    },
    { title: 'DECIDED', value: ({ decision }) => decisionText(decision), shrinks: true },
    { title: 'ENTRY', value: ({ decision }) => String(decision.entry ?? '-'), align: 'right' },
    { title: 'ENDED', value: endText, wide: true, shrinks: true },
    { title: 'END ENTRY', value: ({ end }) => String(end?.entry ?? '-'), align: 'right', wide: true },
    { title: 'TEAM', value: ({ team }) => team, wide: true, shrinks: true },
    { title: 'DEPLOYMENT', value: ({ deployment }) => deployment, wide: true },
  ];
}
