import type { ReviewAnswers, RiskTier, UseCase, UseCaseState } from '@muster-ml/protocol';
import type { Kysely } from 'kysely';
import { type Scope, inScope } from '../identity/index.ts';
import type { Tx } from '../platform/database/index.ts';
import type { StoredState, UseCaseDecision, UseCaseRecord } from './use-case.ts';

/** The table of this room, as sql/0011-use-cases.sql makes it. */
export type UseCaseTables = {
  use_case: {
    id: string;
    name: string;
    team: string;
    title: string;
    problem: string;
    supports: string;
    baseline: string;
    metric: string | null;
    value: string | null;
    sponsor: string;
    alternatives: string;
    state: StoredState;
    risk_tier: RiskTier | null;
    review: string | null;
    reviewed_at: number | null;
    reviewed_by: string | null;
    decided_as: UseCaseDecision['as'] | null;
    decided_reason: string | null;
    decided_at: number | null;
    decided_by: string | null;
    decided_entry: number | null;
    revision: number;
    proposed_at: number;
    proposed_by: string;
  };
};

/** What of endpoints, which belong to another room, says what belongs to a use case. */
type ReadTables = UseCaseTables & {
  endpoint: { id: string; name: string; team: string; use_case: string | null; deleted_at: number | null };
  endpoint_history: { endpoint: string; role: 'live' | 'canary' | 'shadow'; until_at: number | null };
};

export interface UseCaseFilter {
  readonly scope: Scope;
  readonly team: string | undefined;
  /** As it is shown. */
  readonly state: UseCaseState | undefined;
  readonly after: string | undefined;
  readonly limit: number;
}

/** An endpoint that belongs to a use case. */
export interface EndpointOf {
  readonly useCase: string;
  readonly name: string;
  readonly team: string;
}

/** Reads take the database's reader or a transaction, writes a transaction. */
export interface UseCaseStore {
  find(db: Kysely<unknown>, name: string): Promise<UseCaseRecord | undefined>;
  /** Holds it until the commit. */
  findForUpdate(tx: Tx, name: string): Promise<UseCaseRecord | undefined>;
  /** Those of the scope, by name. */
  after(db: Kysely<unknown>, filter: UseCaseFilter): Promise<readonly UseCaseRecord[]>;
  /** Throws `unique_violation` where the name is taken, `reference_violation` where there is no such team. */
  insert(tx: Tx, useCase: UseCaseRecord): Promise<void>;
  save(tx: Tx, useCase: UseCaseRecord): Promise<void>;
  /** Notes which entry of the ledger decided it. */
  noteEntry(tx: Tx, id: string, entry: number): Promise<void>;
  /** Endpoints that are there, by name. */
  endpointsOf(db: Kysely<unknown>, ids: readonly string[]): Promise<readonly EndpointOf[]>;
  /** Those of which an endpoint answers. */
  live(db: Kysely<unknown>, ids: readonly string[]): Promise<ReadonlySet<string>>;
}

const tables = (db: Kysely<unknown>): Kysely<ReadTables> => db.withTables<ReadTables>();

/** Use cases of which an endpoint has a live version that answers now. */
function liveIds(db: Kysely<unknown>) {
  return tables(db)
    .selectFrom('endpoint')
    .innerJoin('endpoint_history', 'endpoint_history.endpoint', 'endpoint.id')
    .select('endpoint.use_case')
    .where('endpoint.deleted_at', 'is', null)
    .where('endpoint.use_case', 'is not', null)
    .where('endpoint_history.role', '=', 'live')
    .where('endpoint_history.until_at', 'is', null);
}

/** The store of use cases, the same on both databases. */
export const useCaseStore: UseCaseStore = {
  async find(db, name) {
    const row = await tables(db).selectFrom('use_case').selectAll().where('name', '=', name).executeTakeFirst();
    return row === undefined ? undefined : toUseCase(row);
  },

  async findForUpdate(tx, name) {
    const found = tables(tx).selectFrom('use_case').selectAll().where('name', '=', name);
    const row = await found.forUpdate().executeTakeFirst();
    return row === undefined ? undefined : toUseCase(row);
  },

  async after(db, { scope, team, state, after, limit }) {
    let query = tables(db)
      .selectFrom('use_case')
      .selectAll()
      .where(inScope(scope, { team: 'use_case.team' }))
      .orderBy('name')
      .limit(limit);
    if (after !== undefined) query = query.where('name', '>', after);
    if (team !== undefined) query = query.where('team', '=', team);
    if (state !== undefined) query = query.where('state', '=', state === 'live' ? 'accepted' : state);
    if (state === 'live') query = query.where('id', 'in', liveIds(db).$castTo<{ use_case: string }>());
    if (state === 'accepted') query = query.where('id', 'not in', liveIds(db).$castTo<{ use_case: string }>());
    return (await query.execute()).map(toUseCase);
  },

  async insert(tx, useCase) {
    await tables(tx).insertInto('use_case').values(toRow(useCase)).execute();
  },

  async save(tx, useCase) {
    const { id, ...row } = toRow(useCase);
    await tables(tx).updateTable('use_case').set(row).where('id', '=', id).execute();
  },

  async noteEntry(tx, id, entry) {
    await tables(tx).updateTable('use_case').set({ decided_entry: entry }).where('id', '=', id).execute();
  },

  async endpointsOf(db, ids) {
    if (ids.length === 0) return [];
    const rows = await tables(db)
      .selectFrom('endpoint')
      .select(['name', 'team', 'use_case'])
      .where('use_case', 'in', ids)
      .where('deleted_at', 'is', null)
      .orderBy('name')
      .execute();
    return rows.flatMap(({ name, team, use_case: useCase }) => (useCase === null ? [] : [{ useCase, name, team }]));
  },

  async live(db, ids) {
    if (ids.length === 0) return new Set();
    const rows = await liveIds(db).where('endpoint.use_case', 'in', ids).execute();
    return new Set(rows.flatMap((row) => row.use_case ?? []));
  },
};

function toUseCase(row: UseCaseTables['use_case']): UseCaseRecord {
  const { decided_as: as, decided_at: decidedAt, decided_by: decidedBy } = row;
  return {
    id: row.id,
    name: row.name,
    team: row.team,
    title: row.title,
    problem: row.problem,
    supports: row.supports,
    baseline: row.baseline,
    metric: row.metric === null ? null : (JSON.parse(row.metric) as UseCase['metric']),
    value: row.value === null ? null : (JSON.parse(row.value) as UseCase['value']),
    sponsor: row.sponsor,
    alternatives: row.alternatives,
    state: row.state,
    riskTier: row.risk_tier,
    review:
      row.review === null || row.reviewed_at === null || row.reviewed_by === null
        ? null
        : { answers: JSON.parse(row.review) as ReviewAnswers, at: row.reviewed_at, by: row.reviewed_by },
    decided:
      as === null || decidedAt === null || decidedBy === null
        ? null
        : { as, reason: row.decided_reason ?? '', at: decidedAt, by: decidedBy, entry: row.decided_entry },
    revision: row.revision,
    proposed: { at: row.proposed_at, by: row.proposed_by },
  };
}

function toRow({ review, decided, proposed, ...useCase }: UseCaseRecord): UseCaseTables['use_case'] {
  const { riskTier, metric, value, ...same } = useCase;
  return {
    ...same,
    metric: metric === null ? null : JSON.stringify(metric),
    value: value === null ? null : JSON.stringify(value),
    risk_tier: riskTier,
    review: review === null ? null : JSON.stringify(review.answers),
    reviewed_at: review?.at ?? null,
    reviewed_by: review?.by ?? null,
    decided_as: decided?.as ?? null,
    decided_reason: decided?.reason ?? null,
    decided_at: decided?.at ?? null,
    decided_by: decided?.by ?? null,
    decided_entry: decided?.entry ?? null,
    proposed_at: proposed.at,
    proposed_by: proposed.by,
  };
}
