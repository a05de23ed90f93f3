import type { Kysely } from 'kysely';
import type { Tx } from '../platform/database/index.ts';
import type { StandingRecord } from './contract.ts';
import type { StandingTables } from './tables.ts';

/** What of endpoints, which belong to another room, says which of them stand. */
type ReadTables = StandingTables & {
  endpoint: { id: string; name: string; team: string; deleted_at: number | null; called_before: number };
};

/** Rows of one `IN (…)`, far below the limits of both databases. */
const chunk = 500;

/** Reads take the database's reader or a transaction, writes a transaction. */
export interface StandingStore {
  of(db: Kysely<unknown>, endpointIds: readonly string[]): Promise<ReadonlyMap<string, StandingRecord>>;
  /** The record of an endpoint by its name, among those that are not deleted. */
  ofName(db: Kysely<unknown>, name: string): Promise<StandingRecord | undefined>;
  /** Names and teams of the endpoints that never were in production; not those that were there before there were standings. */
  neverStood(db: Kysely<unknown>): Promise<readonly { readonly name: string; readonly team: string }[]>;
  /** The version that an approved submission of the endpoint is about, newest first; only those with the digest, if one is given. */
  approved(
    db: Kysely<unknown>,
    endpointId: string,
    servedDigest?: string,
  ): Promise<{ readonly model: string; readonly version: number } | undefined>;
  put(tx: Tx, record: StandingRecord): Promise<void>;
  addEvent(tx: Tx, event: StandingTables['standing_event']): Promise<void>;
}

export const standingStore: StandingStore = {
  async of(db, endpointIds) {
    const found = new Map<string, StandingRecord>();
    for (let at = 0; at < endpointIds.length; at += chunk) {
      const rows = await db
        .withTables<StandingTables>()
        .selectFrom('standing')
        .selectAll()
        .where('endpoint', 'in', endpointIds.slice(at, at + chunk))
        .execute();
      for (const row of rows) found.set(row.endpoint, recordOf(row));
    }
    return found;
  },

  async ofName(db, name) {
    const row = await db
      .withTables<ReadTables>()
      .selectFrom('standing')
      .innerJoin('endpoint', 'endpoint.id', 'standing.endpoint')
      .selectAll('standing')
      .where('endpoint.name', '=', name)
      .where('endpoint.deleted_at', 'is', null)
      .executeTakeFirst();
    return row === undefined ? undefined : recordOf(row);
  },

  async neverStood(db) {
    return await db
      .withTables<ReadTables>()
      .selectFrom('endpoint')
      .leftJoin('standing', 'standing.endpoint', 'endpoint.id')
      .select(['endpoint.name', 'endpoint.team'])
      .where('endpoint.deleted_at', 'is', null)
      .where('endpoint.called_before', '=', 0)
      .where('standing.first_at', 'is', null)
      .execute();
  },

  async approved(db, endpointId, servedDigest) {
    return await db
      .withTables<StandingTables>()
      .selectFrom('submission')
      .select(['model', 'version'])
      .where('endpoint', '=', endpointId)
      .where('state', '=', 'approved')
      .$if(servedDigest !== undefined, (all) => all.where('served_digest', '=', servedDigest ?? ''))
      .orderBy('id', 'desc')
      .limit(1)
      .executeTakeFirst();
  },

  async put(tx, record) {
    const row = {
      endpoint: record.endpointId,
      state: record.state,
      since: record.since,
      first_at: record.firstAt,
      reasons: JSON.stringify(record.reasons),
      submission: record.submission,
      model: record.model,
      version: record.version,
    };
    const { endpoint: _key, ...rest } = row;
    await tx
      .withTables<StandingTables>()
      .insertInto('standing')
      .values({ ...row, ends_told: null })
      .onConflict((conflict) => conflict.column('endpoint').doUpdateSet(rest))
      .execute();
  },

  async addEvent(tx, event) {
    await tx.withTables<StandingTables>().insertInto('standing_event').values(event).execute();
  },
};

function recordOf(row: StandingTables['standing']): StandingRecord {
  return {
    endpointId: row.endpoint,
    state: row.state,
    since: row.since,
    firstAt: row.first_at,
    reasons: JSON.parse(row.reasons) as string[],
    submission: row.submission,
    model: row.model,
    version: row.version,
  };
}
