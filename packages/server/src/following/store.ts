import type { Problem } from '@muster-ml/protocol';
import type { Kysely } from 'kysely';
import type { Tx } from '../platform/database/index.ts';
import type { FollowRecord } from './follow.ts';

type FollowTables = {
  endpoint_follow: {
    endpoint: string;
    team: string;
    server: string;
    source_model: string;
    alias: string;
    model: string;
    version: string | null;
    failed_version: string | null;
    retry_at: number | null;
    problem: string | null;
    checked_at: number | null;
    set_at: number;
    set_by: string;
  };
};

/** What changes on its own, as the alias is looked at. */
export type FollowProgress = Pick<FollowRecord, 'version' | 'failedVersion' | 'retryAt' | 'problem' | 'checkedAt'>;

/** Reads take the database's reader or a transaction, writes a transaction. */
export interface FollowStore {
  all(db: Kysely<unknown>): Promise<readonly FollowRecord[]>;
  of(db: Kysely<unknown>, endpoint: string): Promise<FollowRecord | undefined>;
  put(tx: Tx, follow: FollowRecord): Promise<void>;
  /** Notes how a look ended, unless the wish has changed since. */
  note(tx: Tx, follow: FollowRecord, progress: FollowProgress): Promise<void>;
  /** Removes it, unless the wish has changed since. */
  remove(tx: Tx, follow: FollowRecord): Promise<void>;
}

const tables = (db: Kysely<unknown>): Kysely<FollowTables> => db.withTables<FollowTables>();

export const followStore: FollowStore = {
  async all(db) {
    const rows = await tables(db).selectFrom('endpoint_follow').selectAll().orderBy('endpoint').execute();
    return rows.map(toFollow);
  },

  async of(db, endpoint) {
    const row = await tables(db)
      .selectFrom('endpoint_follow')
      .selectAll()
      .where('endpoint', '=', endpoint)
      .executeTakeFirst();
    return row === undefined ? undefined : toFollow(row);
  },

  async put(tx, follow) {
    const row = {
      team: follow.team,
      server: follow.server,
      source_model: follow.sourceModel,
      alias: follow.alias,
      model: follow.model,
      ...progressRow(follow),
      set_at: follow.setAt,
      set_by: follow.setBy,
    };
    await tables(tx)
      .insertInto('endpoint_follow')
      .values({ endpoint: follow.endpoint, ...row })
      .onConflict((conflict) => conflict.column('endpoint').doUpdateSet(row))
      .execute();
  },

  async note(tx, follow, progress) {
    await tables(tx)
      .updateTable('endpoint_follow')
      .set(progressRow(progress))
      .where('endpoint', '=', follow.endpoint)
      .where('set_at', '=', follow.setAt)
      .execute();
  },

  async remove(tx, { endpoint, setAt }) {
    await tables(tx)
      .deleteFrom('endpoint_follow')
      .where('endpoint', '=', endpoint)
      .where('set_at', '=', setAt)
      .execute();
  },
};

function progressRow(progress: FollowProgress) {
  return {
    version: progress.version,
    failed_version: progress.failedVersion,
    retry_at: progress.retryAt,
    problem: progress.problem === null ? null : JSON.stringify(progress.problem),
    checked_at: progress.checkedAt,
  };
}

function toFollow(row: FollowTables['endpoint_follow']): FollowRecord {
  return {
    endpoint: row.endpoint,
    team: row.team,
    server: row.server,
    sourceModel: row.source_model,
    alias: row.alias,
    model: row.model,
    version: row.version,
    failedVersion: row.failed_version,
    retryAt: row.retry_at,
    problem: row.problem === null ? null : (JSON.parse(row.problem) as Problem),
    checkedAt: row.checked_at,
    setAt: row.set_at,
    setBy: row.set_by,
  };
}
