import type { FleetEndpoint } from '@muster-ml/protocol';
import { type Kysely, sql } from 'kysely';
import type { DeploymentTables } from '../deployments/index.ts';
import { type Scope, inScope } from '../identity/index.ts';
import type { Database } from '../platform/database/index.ts';
import type { StandingTables } from '../standing/index.ts';
import type { UseCaseTables } from '../usecases/index.ts';

/** Which endpoints are wanted; what is absent does not matter. */
export interface FleetFilter {
  readonly team?: string | undefined;
  /** What the name begins with: letters, digits and hyphens. */
  readonly search?: string | undefined;
  readonly standing?: FleetEndpoint['standing'] | undefined;
  /** Only those without a use case that is accepted. */
  readonly orphans?: boolean | undefined;
}

/** An endpoint with what has traffic now. */
export type FleetRow = Awaited<ReturnType<ReturnType<typeof fleet>['execute']>>[number];

const columns = { team: 'endpoint.team', endpoint: 'endpoint.name' } as const;

/** Rows of one `IN (…)`, far below the limits of both databases. */
const chunk = 500;

/** A page of the fleet in one query: names and teams forwards, what was changed last first. `after` is the key and the name of the last one. */
export async function fleetPage(
  { reader }: Database,
  scope: Scope,
  filter: FleetFilter & {
    readonly sort: 'name' | 'team' | 'changed';
    readonly after?: readonly [key: string | number, name: string] | undefined;
  },
  limit: number,
): Promise<readonly FleetRow[]> {
  const { sort, after } = filter;
  const isChanged = sort === 'changed';
  const key = isChanged ? changedAt : sql<string | number>`${sql.ref(`endpoint.${sort}`)}`;
  let query = fleet(reader)
    .where('endpoint.deleted_at', 'is', null)
    .where(inScope(scope, columns))
    .where(matches(filter));
  if (after !== undefined) {
    const [last, name] = after;
    query = query.where((where) =>
      where.or([
        where(key, isChanged ? '<' : '>', last),
        where.and([where(key, '=', last), where('endpoint.name', '>', name)]),
      ]),
    );
  }
  return await query
    .orderBy(key, isChanged ? 'desc' : 'asc')
    .orderBy('endpoint.name')
    .limit(limit)
    .execute();
}

/** Names of all, where their order is not known to the database. */
export async function fleetNames(
  { reader }: Database,
  scope: Scope,
  filter: FleetFilter,
): Promise<readonly Pick<FleetRow, 'id' | 'name' | 'team'>[]> {
  return await joined(reader)
    .select(['endpoint.id', 'endpoint.name', 'endpoint.team'])
    .where('endpoint.deleted_at', 'is', null)
    .where(inScope(scope, columns))
    .where(matches(filter))
    .execute();
}

/** The rows of some endpoints, in any order. */
export async function fleetRows(
  { reader }: Database,
  endpoints: readonly { readonly id: string }[],
): Promise<readonly FleetRow[]> {
  const rows: FleetRow[] = [];
  for (let at = 0; at < endpoints.length; at += chunk) {
    const ids = endpoints.slice(at, at + chunk).map(({ id }) => id);
    rows.push(...(await fleet(reader).where('endpoint.id', 'in', ids).execute()));
  }
  return rows;
}

const changedAt = sql<number>`coalesce(endpoint.changed_at, endpoint.created_at)`;

/** By its record, else by who serves it, else by whether something is live. */
const standingOf = sql<FleetEndpoint['standing']>`case
  when standing.state <> 'waiting' then standing.state
  when endpoint.kind = 'observed' then 'observed'
  when live.id is null then 'stopped'
  else 'deployed' end`;

/** What every page is filtered by. At most one interval of a role is open, so an endpoint is one row. */
function joined(reader: Kysely<unknown>) {
  return reader
    .withTables<DeploymentTables & StandingTables & UseCaseTables>()
    .selectFrom('endpoint')
    .leftJoin('standing', 'standing.endpoint', 'endpoint.id')
    .leftJoin('use_case', 'use_case.id', 'endpoint.use_case')
    .leftJoin('endpoint_history as live', (join) =>
      join.onRef('live.endpoint', '=', 'endpoint.id').on('live.role', '=', 'live').on('live.until_at', 'is', null),
    );
}

function fleet(reader: Kysely<unknown>) {
  return joined(reader)
    .leftJoin('endpoint_history as canary', (join) =>
      join
        .onRef('canary.endpoint', '=', 'endpoint.id')
        .on('canary.role', '=', 'canary')
        .on('canary.until_at', 'is', null),
    )
    .leftJoin('endpoint_history as shadow', (join) =>
      join
        .onRef('shadow.endpoint', '=', 'endpoint.id')
        .on('shadow.role', '=', 'shadow')
        .on('shadow.until_at', 'is', null),
    )
    .select([
      'endpoint.id',
      'endpoint.name',
      'endpoint.team',
      'endpoint.created_at',
      'endpoint.created_by',
      'endpoint.kind',
      sql<string>`coalesce(endpoint.owner, endpoint.created_by)`.as('owner'),
      'use_case.name as use_case_name',
      standingOf.as('standing'),
      sql<number | null>`case when standing.state <> 'waiting' then standing.since end`.as('standing_since'),
      'endpoint.changed_by',
      'endpoint.changed_action',
      'endpoint.changed_entry',
      changedAt.as('changed_at'),
      'live.model as live_model',
      'live.version as live_version',
      'live.share_percent as live_share',
      'canary.model as canary_model',
      'canary.version as canary_version',
      'canary.share_percent as canary_share',
      'shadow.model as shadow_model',
      'shadow.version as shadow_version',
      'shadow.share_percent as shadow_share',
    ]);
}

function matches({ team, search, standing, orphans }: FleetFilter) {
  return sql<boolean>`${sql.join(
    [
      sql`1 = 1`,
      ...(team === undefined ? [] : [sql`endpoint.team = ${team}`]),
      ...(search === undefined ? [] : [beginsWith(search)]),
      ...(standing === undefined ? [] : [sql`${standingOf} = ${standing}`]),
      ...(orphans === true ? [sql`(use_case.state is null or use_case.state <> 'accepted')`] : []),
    ],
    sql` and `,
  )}`;
}

/** Names in the order of their bytes: `{` follows `z`. */
function beginsWith(start: string) {
  return sql<boolean>`(endpoint.name >= ${start} and endpoint.name < ${`${start}{`})`;
}
