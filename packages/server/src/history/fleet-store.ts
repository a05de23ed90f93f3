import { type Kysely, sql } from 'kysely';
import type { DeploymentTables } from '../deployments/index.ts';
import { type Scope, inScope } from '../identity/index.ts';
import type { Database } from '../platform/database/index.ts';

/** Which endpoints are wanted; what is absent does not matter. */
export interface FleetFilter {
  readonly team?: string | undefined;
  /** What the name begins with: letters, digits and hyphens. */
  readonly search?: string | undefined;
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
  const { sort, after, team, search } = filter;
  const isChanged = sort === 'changed';
  const key = isChanged ? changedAt : sql<string | number>`${sql.ref(`endpoint.${sort}`)}`;
  let query = fleet(reader)
    .where('endpoint.deleted_at', 'is', null)
    .where(inScope(scope, columns))
    .$if(team !== undefined, (all) => all.where('endpoint.team', '=', team ?? ''))
    .$if(search !== undefined, (all) => all.where(beginsWith(search ?? '')));
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
  { team, search }: FleetFilter,
): Promise<readonly Pick<FleetRow, 'id' | 'name' | 'team'>[]> {
  return await reader
    .withTables<DeploymentTables>()
    .selectFrom('endpoint')
    .select(['endpoint.id', 'endpoint.name', 'endpoint.team'])
    .where('endpoint.deleted_at', 'is', null)
    .where(inScope(scope, columns))
    .$if(team !== undefined, (all) => all.where('endpoint.team', '=', team ?? ''))
    .$if(search !== undefined, (all) => all.where(beginsWith(search ?? '')))
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

/** At most one interval of a role is open, so an endpoint is one row. */
function fleet(reader: Kysely<unknown>) {
  return reader
    .withTables<DeploymentTables>()
    .selectFrom('endpoint')
    .leftJoin('endpoint_history as live', (join) =>
      join.onRef('live.endpoint', '=', 'endpoint.id').on('live.role', '=', 'live').on('live.until_at', 'is', null),
    )
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

/** Names in the order of their bytes: `{` follows `z`. */
function beginsWith(start: string) {
  return sql<boolean>`(endpoint.name >= ${start} and endpoint.name < ${`${start}{`})`;
}
