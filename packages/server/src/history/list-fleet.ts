import { type FleetEndpoint, type FleetOrder, type FleetQuery, type Page, fleetUsageHours } from '@muster-ml/protocol';
import type { Caller, Scope } from '../identity/index.ts';
import { cursorOf, readCursor } from './cursor.ts';
import { type FleetRow, fleetNames, fleetPage, fleetRows } from './fleet-store.ts';
import { decisionOf, timeOf } from './interval.ts';
import type { EndpointUsage, HistoryParts } from './parts.ts';

/** Orders that the database knows; by use, the counts of all have to be known first. */
type RowOrder = Extract<FleetOrder, 'name' | 'team' | 'changed'>;
type UsageOrder = Exclude<FleetOrder, RowOrder>;

type Counts = Pick<EndpointUsage, UsageOrder>;

/** What was counted, by `keyOf`; undefined where nobody counts. */
type Usage = ReadonlyMap<string, Counts> | undefined;

const unused: Counts = { requests: 0, errors: 0, callers: 0 };

/**
 * Every endpoint that the caller sees, on one page: whose it is, what is live, how it was used, who changed it last. A
 * page is one query, one for the names of actors, and one count of use. Throws `invalid_request`.
 */
export async function listFleet(parts: HistoryParts, caller: Caller, query: FleetQuery): Promise<Page<FleetEndpoint>> {
  const scope = parts.identity.scope(caller, 'endpoint.read');
  const usage = await usageOf(parts);
  const { rows, next } = isByUsage(query.sort)
    ? await pageByUsage(parts, scope, query, query.sort, usage)
    : await pageByRow(parts, scope, query, query.sort);
  const actors = rows.flatMap((row) => [row.owner, row.changed_by ?? []].flat());
  const names = await parts.identity.namesOf([...new Set(actors)]);
  const items = rows.map((row) => render(row, usage, names));
  return next === undefined ? { items } : { items, next };
}

interface FoundPage {
  readonly rows: readonly FleetRow[];
  readonly next: string | undefined;
}

async function pageByRow(parts: HistoryParts, scope: Scope, query: FleetQuery, sort: RowOrder): Promise<FoundPage> {
  const { team, search, standing, orphans, limit } = query;
  const after =
    query.after === undefined ? undefined : readCursor(query.after, sort === 'changed' ? 'number' : 'string');
  const found = await fleetPage(parts.database, scope, { team, search, standing, orphans, sort, after }, limit + 1);
  const rows = found.slice(0, limit);
  const last = found.length > limit ? rows.at(-1) : undefined;
  const next = last === undefined ? undefined : cursorOf(sort === 'changed' ? last.changed_at : last[sort], last.name);
  return { rows, next };
}

/** By use: the names of all, ordered by what was counted, and then the rows of the page. */
async function pageByUsage(
  parts: HistoryParts,
  scope: Scope,
  query: FleetQuery,
  sort: UsageOrder,
  usage: Usage,
): Promise<FoundPage> {
  const { team, search, standing, orphans, limit } = query;
  const all = await fleetNames(parts.database, scope, { team, search, standing, orphans });
  const countOf = (endpoint: Named): number => usage?.get(keyOf(endpoint))?.[sort] ?? 0;
  const [most, name] = query.after === undefined ? [Infinity, ''] : readCursor(query.after, 'number');
  const ordered = all
    .filter((one) => countOf(one) < most || (countOf(one) === most && one.name > name))
    .toSorted((one, other) => countOf(other) - countOf(one) || (one.name < other.name ? -1 : 1));
  const shown = ordered.slice(0, limit);
  const byId = new Map((await fleetRows(parts.database, shown)).map((row) => [row.id, row]));
  const last = ordered.length > limit ? shown.at(-1) : undefined;
  return {
    rows: shown.flatMap(({ id }) => byId.get(id) ?? []),
    next: last === undefined ? undefined : cursorOf(countOf(last), last.name),
  };
}

type Named = Pick<FleetRow, 'name' | 'team'>;

async function usageOf({ usage }: HistoryParts): Promise<Usage> {
  if (usage === undefined) return undefined;
  const counted = await usage(fleetUsageHours);
  return new Map(counted.map(({ endpoint: name, team, ...counts }) => [keyOf({ name, team }), counts]));
}

function keyOf({ name, team }: Named): string {
  return `${team}/${name}`;
}

function isByUsage(sort: FleetOrder): sort is UsageOrder {
  return sort === 'requests' || sort === 'errors' || sort === 'callers';
}

function render(row: FleetRow, usage: Usage, names: ReadonlyMap<string, string>): FleetEndpoint {
  const { requests, errors, callers } = usage?.get(keyOf(row)) ?? unused;
  return {
    name: row.name,
    team: row.team,
    kind: row.kind,
    owner: { id: row.owner, name: names.get(row.owner) ?? null },
    useCase: row.use_case_name,
    live: servedOf(row.live_model, row.live_version, row.live_share),
    canary: servedOf(row.canary_model, row.canary_version, row.canary_share),
    shadow: servedOf(row.shadow_model, row.shadow_version, row.shadow_share),
    standing: row.standing,
    standingSince: row.standing_since === null ? null : timeOf(row.standing_since),
    usage: usage === undefined ? null : { hours: fleetUsageHours, requests, errors, callers },
    changed: {
      at: timeOf(row.changed_at),
      ...decisionOf(row.changed_by, row.changed_action, row.changed_entry, names),
    },
    createdAt: timeOf(row.created_at),
  };
}

function servedOf(model: string | null, version: number | null, sharePercent: number | null): FleetEndpoint['live'] {
  return model === null || version === null || sharePercent === null ? null : { model, version, sharePercent };
}
