import { type RawBuilder, type SqlBool, sql } from 'kysely';
import type { Reach, Scope } from './actor.ts';

/** Where a row says whose it is; what it does not have is left out. */
export interface ScopeColumns {
  readonly team: string;
  readonly endpoint?: string;
  readonly owner?: string;
}

/**
 * The condition of a query for the rows of a scope: `decide` as SQL. `columns` are references of that query, such as
 * `model.team`, and never from outside.
 */
export function inScope({ reach, owner, within }: Scope, columns: ScopeColumns): RawBuilder<SqlBool> {
  const reached = inReach(reach, columns);
  const mine =
    owner === undefined || columns.owner === undefined ? undefined : sql<SqlBool>`${sql.ref(columns.owner)} = ${owner}`;
  const visible = mine === undefined ? reached : sql<SqlBool>`(${reached} or ${mine})`;
  return within === undefined ? visible : sql<SqlBool>`(${visible} and ${inReach(within, columns)})`;
}

function inReach({ teams, endpoints }: Reach, columns: ScopeColumns): RawBuilder<SqlBool> {
  if (teams === '*') return sql<SqlBool>`1 = 1`;
  const named = [
    ...(teams.length === 0 ? [] : [sql<SqlBool>`${sql.ref(columns.team)} in (${sql.join(teams)})`]),
    ...(endpoints.length === 0 || columns.endpoint === undefined
      ? []
      : [sql<SqlBool>`${sql.ref(columns.endpoint)} in (${sql.join(endpoints)})`]),
  ];
  return named.length === 0 ? sql<SqlBool>`1 = 0` : sql<SqlBool>`(${sql.join(named, sql` or `)})`;
}
