import { type Kysely, sql } from 'kysely';
import { type Scope, inScope } from '../identity/index.ts';
import type { Database } from '../platform/database/index.ts';
import type { Road } from './time-report.ts';

/** What of other rooms' tables says when something happened. This room writes none. */
type ReadTables = {
  endpoint: {
    id: string;
    name: string;
    team: string;
    kind: 'served' | 'observed';
    owner: string | null;
    use_case: string | null;
    created_at: number;
    created_by: string;
    deleted_at: number | null;
  };
  use_case: {
    id: string;
    state: 'proposed' | 'accepted' | 'declined' | 'retired';
    proposed_at: number;
    decided_as: string | null;
    decided_at: number | null;
  };
  standing: { endpoint: string; first_at: number | null };
  submission: { endpoint: string; state: string; submitted_at: number; ended_at: number | null };
  endpoint_history: { id: string; endpoint: string; model: string; version: number; role: string; from_at: number };
  deployment: { id: string; endpoint: string; model: string; version: number; created_at: number };
  model: { id: string; name: string };
  model_version: { model: string; number: number; created_at: number };
};

type EndpointRow = Awaited<ReturnType<typeof endpointsIn>>[number];
type ServedRow = Awaited<ReturnType<ReturnType<typeof servedFirst>['execute']>>[number];
type AskedRow = Awaited<ReturnType<typeof submissionsIn>>[number];

const columns = { team: 'endpoint.team', endpoint: 'endpoint.name' } as const;

/**
 * The way of every endpoint of a scope, also of those that are deleted since, where they were in production: four
 * queries, each over all.
 */
export async function loadRoads({ reader }: Database, scope: Scope): Promise<readonly Road[]> {
  const db = reader.withTables<ReadTables>();
  const endpoints = await endpointsIn(db, scope);
  const live = byEndpoint(await servedFirst(db, firstLive(db, scope)).execute());
  const tried = byEndpoint(await servedFirst(db, firstTried(db, scope)).execute());
  const asked = byEndpoint(await submissionsIn(db, scope));
  return endpoints.map((row) => roadOf(row, live.get(row.id), tried.get(row.id), asked.get(row.id)));
}

function byEndpoint<R extends { readonly endpoint: string }>(rows: readonly R[]): ReadonlyMap<string, R> {
  return new Map(rows.map((row) => [row.endpoint, row]));
}

async function endpointsIn(db: Kysely<ReadTables>, scope: Scope) {
  return await db
    .selectFrom('endpoint')
    .leftJoin('use_case', 'use_case.id', 'endpoint.use_case')
    .leftJoin('standing', 'standing.endpoint', 'endpoint.id')
    .select([
      'endpoint.id',
      'endpoint.name',
      'endpoint.team',
      'endpoint.kind',
      sql<string>`coalesce(endpoint.owner, endpoint.created_by)`.as('owner'),
      'endpoint.created_at',
      'endpoint.deleted_at',
      'use_case.state as use_case_state',
      'use_case.proposed_at',
      'use_case.decided_as',
      'use_case.decided_at',
      'standing.first_at',
    ])
    .where(inScope(scope, columns))
    .where((where) =>
      where.or([
        where('standing.first_at', 'is not', null),
        where.and([where('endpoint.deleted_at', 'is', null), where('endpoint.kind', '=', 'served')]),
      ]),
    )
    .execute();
}

/** Which endpoints are meant, for queries over what belongs to them. */
function idsIn(db: Kysely<ReadTables>, scope: Scope) {
  return db.selectFrom('endpoint').select('endpoint.id').where(inScope(scope, columns));
}

/** What was live first, and when: one interval of each endpoint. */
function firstLive(db: Kysely<ReadTables>, scope: Scope) {
  const first = db
    .selectFrom('endpoint_history')
    .select((select) => ['endpoint', select.fn.min<number>('from_at').as('at')])
    .where('role', '=', 'live')
    .where('endpoint', 'in', idsIn(db, scope))
    .groupBy('endpoint');
  return db
    .selectFrom(first.as('first'))
    .innerJoin('endpoint_history as served', (join) =>
      join.onRef('served.endpoint', '=', 'first.endpoint').onRef('served.from_at', '=', 'first.at'),
    )
    .where('served.role', '=', 'live')
    .select(['served.endpoint', 'served.model', 'served.version', 'first.at']);
}

/** What was deployed first, where nothing was live yet. */
function firstTried(db: Kysely<ReadTables>, scope: Scope) {
  const first = db
    .selectFrom('deployment')
    .select((select) => ['endpoint', select.fn.min<number>('created_at').as('at')])
    .where('endpoint', 'in', idsIn(db, scope))
    .where((where) =>
      where.not(
        where.exists(
          where
            .selectFrom('endpoint_history')
            .select('endpoint_history.id')
            .whereRef('endpoint_history.endpoint', '=', 'deployment.endpoint')
            .where('endpoint_history.role', '=', 'live'),
        ),
      ),
    )
    .groupBy('endpoint');
  return db
    .selectFrom(first.as('first'))
    .innerJoin('deployment as served', (join) =>
      join.onRef('served.endpoint', '=', 'first.endpoint').onRef('served.created_at', '=', 'first.at'),
    )
    .select(['served.endpoint', 'served.model', 'served.version', 'first.at']);
}

/** When the versions that were served were handed over, and the first versions of their models. */
function servedFirst(db: Kysely<ReadTables>, found: ReturnType<typeof firstLive | typeof firstTried>) {
  return db
    .selectFrom(found.as('served'))
    .leftJoin('model', 'model.name', 'served.model')
    .leftJoin('model_version', (join) =>
      join.onRef('model_version.model', '=', 'model.id').onRef('model_version.number', '=', 'served.version'),
    )
    .select((select) => [
      'served.endpoint',
      'served.at',
      'model_version.created_at as version_at',
      select
        .selectFrom('model_version as first')
        .whereRef('first.model', '=', 'model.id')
        .select((of) => of.fn.min<number | null>('first.created_at').as('at'))
        .as('first_version_at'),
    ]);
}

async function submissionsIn(db: Kysely<ReadTables>, scope: Scope) {
  return await db
    .selectFrom('submission')
    .select((select) => [
      'endpoint',
      select.fn.min<number>('submitted_at').as('first_at'),
      sql<number | null>`max(case when state = 'waiting' then submitted_at end)`.as('waiting_at'),
      sql<number | null>`max(case when state in ('rejected', 'void') then ended_at end)`.as('refused_at'),
    ])
    .where('endpoint', 'in', idsIn(db, scope))
    .groupBy('endpoint')
    .execute();
}

function roadOf(
  row: EndpointRow,
  live: ServedRow | undefined,
  tried: ServedRow | undefined,
  asked: AskedRow | undefined,
): Road {
  const served = live ?? tried;
  const isObserved = row.kind === 'observed';
  return {
    endpoint: row.name,
    team: row.team,
    owner: row.owner,
    createdAt: row.created_at,
    isOnItsWay: row.first_at === null && row.deleted_at === null && !isObserved,
    milestones: {
      // What something else serves counts from the day on which it is listed.
      proposedAt: isObserved && row.proposed_at !== null ? Math.max(row.proposed_at, row.created_at) : row.proposed_at,
      // A use case that is retired since does not say any more when it was accepted.
      acceptedAt: row.decided_as === 'accepted' ? row.decided_at : null,
      firstVersionAt: served?.first_version_at ?? null,
      versionAt: served?.version_at ?? null,
      deployedAt: isObserved ? row.created_at : (live?.at ?? null),
      submittedAt: asked?.first_at ?? null,
      inProductionAt: row.first_at,
    },
    open: {
      isUndecided: row.use_case_state === 'proposed',
      submittedAt: asked?.waiting_at ?? null,
      refusedAt: asked?.refused_at ?? null,
    },
  };
}
