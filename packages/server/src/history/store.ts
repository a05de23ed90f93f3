import { sql } from 'kysely';
import type { DeploymentTables } from '../deployments/index.ts';
import { type Scope, inScope } from '../identity/index.ts';
import type { Database } from '../platform/database/index.ts';
import type { IntervalRow } from './interval.ts';

/** Which intervals are wanted; what is absent does not matter. */
export interface IntervalFilter {
  /** Those that lasted at any time in `[from, until)`, in milliseconds since the epoch. */
  readonly from?: number | undefined;
  readonly until?: number | undefined;
  readonly endpoint?: string | undefined;
  readonly model?: string | undefined;
  readonly version?: number | undefined;
  /** Begin and id of the last one that was given. */
  readonly after?: readonly [number, string] | undefined;
}

/** Intervals of a scope, the one that began last first. */
export async function findIntervals(
  database: Database,
  scope: Scope,
  filter: IntervalFilter,
  limit: number,
): Promise<readonly IntervalRow[]> {
  const { from, until, endpoint, model, version, after } = filter;
  let query = database.reader
    .withTables<DeploymentTables>()
    .selectFrom((where) =>
      where
        .selectFrom('endpoint_history')
        .innerJoin('endpoint', 'endpoint.id', 'endpoint_history.endpoint')
        .selectAll('endpoint_history')
        .select([
          'endpoint.deleted_at',
          // Rules that name an endpoint end with it: who may call the next one of that name sees nothing of this one.
          sql<string | null>`case when endpoint.deleted_at is null then endpoint.name end`.as('granted_name'),
        ])
        .as('held'),
    )
    .selectAll('held')
    .where(inScope(scope, { team: 'held.team', endpoint: 'held.granted_name' }))
    .orderBy('held.from_at', 'desc')
    .orderBy('held.id', 'desc')
    .limit(limit);
  if (until !== undefined) query = query.where('held.from_at', '<', until);
  if (from !== undefined)
    query = query.where((where) => where.or([where('held.until_at', 'is', null), where('held.until_at', '>', from)]));
  if (endpoint !== undefined) query = query.where('held.name', '=', endpoint);
  if (model !== undefined) query = query.where('held.model', '=', model);
  if (version !== undefined) query = query.where('held.version', '=', version);
  if (after !== undefined) {
    const [at, id] = after;
    query = query.where((where) =>
      where.or([
        where('held.from_at', '<', at),
        where.and([where('held.from_at', '=', at), where('held.id', '<', id)]),
      ]),
    );
  }
  return await query.execute();
}
