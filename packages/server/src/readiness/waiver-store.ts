import type { Kysely } from 'kysely';
import type { Tx } from '../platform/database/index.ts';
import type { WaiverRecord } from './waiver.ts';

/** The table of waivers, as sql/0012-standing.sql makes it. */
export type WaiverTables = {
  waiver: {
    id: string;
    /** Id of an endpoint. */
    endpoint: string;
    check_id: string;
    reason: string;
    until_at: number;
    state: WaiverRecord['state'];
    requested_at: number;
    requested_by: string;
    decided_at: number | null;
    decided_by: string | null;
    decided_reason: string | null;
  };
};

/** Reads take the database's reader or a transaction. */
export interface WaiverStore {
  add(tx: Tx, waiver: WaiverRecord): Promise<void>;
  /** One of an endpoint; holds it until the commit where it is asked for in a transaction. */
  find(
    db: Kysely<unknown>,
    endpointId: string,
    id: string,
    options?: { readonly hold?: boolean },
  ): Promise<WaiverRecord | undefined>;
  /** Id of the one that waits for a decision, and is not over. */
  waiting(db: Kysely<unknown>, endpointId: string, check: string, now: number): Promise<string | undefined>;
  decide(tx: Tx, waiver: WaiverRecord): Promise<void>;
  /** Of one endpoint, newest first. */
  page(
    db: Kysely<unknown>,
    endpointId: string,
    options: { readonly before: string | undefined; readonly limit: number },
  ): Promise<readonly WaiverRecord[]>;
  /** Those of some endpoints that are approved and not over: what judging needs. */
  approved(db: Kysely<unknown>, endpointIds: readonly string[], now: number): Promise<readonly WaiverRecord[]>;
}

const tables = (db: Kysely<unknown>): Kysely<WaiverTables> => db.withTables<WaiverTables>();

/** Ids in one `IN (…)`, far below the limits of both databases. */
const chunk = 500;

export const waiverStore: WaiverStore = {
  async add(tx, waiver) {
    await tables(tx).insertInto('waiver').values(toRow(waiver)).execute();
  },

  async find(db, endpointId, id, options = {}) {
    const query = tables(db).selectFrom('waiver').selectAll().where('id', '=', id).where('endpoint', '=', endpointId);
    const row = await (options.hold === true ? query.forUpdate() : query).executeTakeFirst();
    return row === undefined ? undefined : toWaiver(row);
  },

  async waiting(db, endpointId, check, now) {
    const row = await tables(db)
      .selectFrom('waiver')
      .select('id')
      .where('endpoint', '=', endpointId)
      .where('check_id', '=', check)
      .where('state', '=', 'requested')
      .where('until_at', '>', now)
      .executeTakeFirst();
    return row?.id;
  },

  async decide(tx, waiver) {
    const { id, ...row } = toRow(waiver);
    await tables(tx).updateTable('waiver').set(row).where('id', '=', id).execute();
  },

  async page(db, endpointId, { before, limit }) {
    let query = tables(db)
      .selectFrom('waiver')
      .selectAll()
      .where('endpoint', '=', endpointId)
      .orderBy('id', 'desc')
      .limit(limit);
    if (before !== undefined) query = query.where('id', '<', before);
    return (await query.execute()).map(toWaiver);
  },

  async approved(db, endpointIds, now) {
    const found: WaiverRecord[] = [];
    for (let at = 0; at < endpointIds.length; at += chunk) {
      const rows = await tables(db)
        .selectFrom('waiver')
        .selectAll()
        .where('endpoint', 'in', endpointIds.slice(at, at + chunk))
        .where('state', '=', 'approved')
        .where('until_at', '>', now)
        .orderBy('id')
        .execute();
      found.push(...rows.map(toWaiver));
    }
    return found;
  },
};

function toRow({ endpointId, check, until, requested, decided, ...same }: WaiverRecord): WaiverTables['waiver'] {
  return {
    ...same,
    endpoint: endpointId,
    check_id: check,
    until_at: until,
    requested_at: requested.at,
    requested_by: requested.by,
    decided_at: decided?.at ?? null,
    decided_by: decided?.by ?? null,
    decided_reason: decided?.reason ?? null,
  };
}

function toWaiver(row: WaiverTables['waiver']): WaiverRecord {
  const { decided_at: decidedAt, decided_by: decidedBy, decided_reason: reason } = row;
  return {
    id: row.id,
    endpointId: row.endpoint,
    check: row.check_id,
    reason: row.reason,
    until: row.until_at,
    state: row.state,
    requested: { by: row.requested_by, at: row.requested_at },
    decided: decidedAt === null || decidedBy === null ? null : { by: decidedBy, at: decidedAt, reason: reason ?? '' },
  };
}
