import {
  type Problem,
  type Score,
  type StartScore,
  servingSettingsSchema,
  startScoreSchema,
} from '@muster-ml/protocol';
import type { Kysely } from 'kysely';
import type { Database, Tx } from '../platform/database/index.ts';
import type { ServedVersion } from '../registry/index.ts';
import type { ScoreRecord } from './score.ts';
import type { ScorePart } from './work/task.ts';

/** The tables of this room, as sql/0004-scoring.sql makes them. */
type ScoreTables = {
  score: {
    id: string;
    endpoint: string;
    endpoint_name: string;
    team: string;
    operation: string;
    state: Score['state'];
    model: string;
    version: number;
    served: string;
    settings: string;
    wish: string;
    input_digest: string | null;
    input_bytes: number;
    rows_done: number;
    rows_total: number | null;
    bad_rows: number;
    result_digest: string | null;
    result_bytes: number | null;
    errors_digest: string | null;
    errors_bytes: number | null;
    problem: string | null;
    created_at: number;
    created_by: string;
    token: string | null;
    actor_kind: ScoreRecord['author']['kind'];
    request: string;
    finished_at: number | null;
    expires_at: number | null;
  };
  score_part: {
    score: string;
    number: number;
    to_row: number;
    bad_rows: number;
    place: number;
    result_bytes: number;
    errors_bytes: number;
    state: string | null;
  };
};

export type ScoreEnd = Pick<
  ScoreRecord,
  'state' | 'rowsDone' | 'badRows' | 'result' | 'errors' | 'problem' | 'finishedAt' | 'expiresAt'
>;

/** Team and name of the endpoint, and the id of who asked for it. */
export interface ScoreBelonging {
  readonly team: string;
  readonly endpoint: string;
  readonly owner: string;
}

/** Scores and what of the running ones is on disk. */
export interface ScoreStore {
  insert(tx: Tx, score: ScoreRecord): Promise<void>;
  /** Whose a score is. */
  belonging(id: string): Promise<ScoreBelonging | undefined>;
  find(id: string): Promise<ScoreRecord | undefined>;
  /** Newest first, before the id. */
  page(endpointId: string, before: string | undefined, limit: number): Promise<readonly ScoreRecord[]>;
  running(): Promise<readonly ScoreRecord[]>;
  parts(id: string): Promise<readonly ScorePart[]>;
  /** Adds the next part; one that is there already stays. */
  addPart(tx: Tx, id: string, part: ScorePart, rowsTotal: number | null): Promise<void>;
  /** Ends a score that runs, and lets go of its input and its parts; false where it has ended. */
  end(tx: Tx, id: string, end: ScoreEnd): Promise<boolean>;
  /** Removes a score that has ended; false where there is none. */
  remove(tx: Tx, id: string): Promise<boolean>;
  /** Removes those whose time is over; answers their ids. */
  removeExpired(tx: Tx, now: number): Promise<readonly string[]>;
  /** Of the digests those that a score refers to. */
  referenced(tx: Tx, digests: readonly string[]): Promise<readonly string[]>;
}

/** Scores that are removed in one transaction. */
const removedAtOnce = 100;

export function createScoreStore(database: Database): ScoreStore {
  const tables = (db: Kysely<unknown> | Tx = database.reader) => db.withTables<ScoreTables>();

  async function removeAll(tx: Tx, ids: readonly string[]): Promise<void> {
    await tables(tx).deleteFrom('score_part').where('score', 'in', ids).execute();
    await tables(tx).deleteFrom('score').where('id', 'in', ids).execute();
  }

  return {
    async insert(tx, score) {
      await tables(tx).insertInto('score').values(rowOf(score)).execute();
    },

    async belonging(id) {
      return await tables()
        .selectFrom('score')
        .select(['team', 'endpoint_name as endpoint', 'created_by as owner'])
        .where('id', '=', id)
        .executeTakeFirst();
    },

    async find(id) {
      const row = await tables().selectFrom('score').selectAll().where('id', '=', id).executeTakeFirst();
      return row === undefined ? undefined : recordOf(row);
    },

    async page(endpointId, before, limit) {
      const rows = await tables()
        .selectFrom('score')
        .selectAll()
        .where('endpoint', '=', endpointId)
        .$if(before !== undefined, (query) => query.where('id', '<', before ?? ''))
        .orderBy('id', 'desc')
        .limit(limit)
        .execute();
      return rows.map(recordOf);
    },

    async running() {
      const rows = await tables()
        .selectFrom('score')
        .selectAll()
        .where('state', '=', 'running')
        .orderBy('id')
        .execute();
      return rows.map(recordOf);
    },

    async parts(id) {
      const rows = await tables()
        .selectFrom('score_part')
        .selectAll()
        .where('score', '=', id)
        .orderBy('number')
        .execute();
      return rows.map((row) => ({
        number: row.number,
        toRow: row.to_row,
        badRows: row.bad_rows,
        place: row.place,
        resultBytes: row.result_bytes,
        errorsBytes: row.errors_bytes,
        state: row.state,
      }));
    },

    async addPart(tx, id, part, rowsTotal) {
      await tables(tx)
        .insertInto('score_part')
        .values({
          score: id,
          number: part.number,
          to_row: part.toRow,
          bad_rows: part.badRows,
          place: part.place,
          result_bytes: part.resultBytes,
          errors_bytes: part.errorsBytes,
          state: part.state,
        })
        .onConflict((conflict) => conflict.columns(['score', 'number']).doNothing())
        .execute();
      await tables(tx)
        .updateTable('score')
        .set({ rows_done: part.toRow, bad_rows: part.badRows, rows_total: rowsTotal })
        .where('id', '=', id)
        .execute();
    },

    async end(tx, id, end) {
      const updated = await tables(tx)
        .updateTable('score')
        .set({
          state: end.state,
          rows_done: end.rowsDone,
          rows_total: end.state === 'succeeded' ? end.rowsDone : null,
          bad_rows: end.badRows,
          input_digest: null,
          result_digest: end.result?.digest ?? null,
          result_bytes: end.result?.sizeBytes ?? null,
          errors_digest: end.errors?.digest ?? null,
          errors_bytes: end.errors?.sizeBytes ?? null,
          problem: end.problem === null ? null : JSON.stringify(end.problem),
          finished_at: end.finishedAt,
          expires_at: end.expiresAt,
        })
        .where('id', '=', id)
        .where('state', '=', 'running')
        .executeTakeFirst();
      if (Number(updated.numUpdatedRows) === 0) return false;
      await tables(tx).deleteFrom('score_part').where('score', '=', id).execute();
      return true;
    },

    async remove(tx, id) {
      const row = await tables(tx)
        .selectFrom('score')
        .select('id')
        .where('id', '=', id)
        .where('state', '!=', 'running')
        .forUpdate()
        .executeTakeFirst();
      if (row !== undefined) await removeAll(tx, [row.id]);
      return row !== undefined;
    },

    async removeExpired(tx, now) {
      const rows = await tables(tx)
        .selectFrom('score')
        .select('id')
        .where('expires_at', '<=', now)
        .where('state', '!=', 'running')
        .orderBy('expires_at')
        .limit(removedAtOnce)
        .forUpdate()
        .execute();
      const ids = rows.map(({ id }) => id);
      if (ids.length > 0) await removeAll(tx, ids);
      return ids;
    },

    async referenced(tx, digests) {
      const found = new Set<string>();
      for (const column of ['input_digest', 'result_digest', 'errors_digest'] as const) {
        const rows = await tables(tx).selectFrom('score').select(column).where(column, 'in', digests).execute();
        for (const row of rows) {
          const digest = (row as Partial<Record<typeof column, string | null>>)[column];
          if (digest !== undefined && digest !== null) found.add(digest);
        }
      }
      // The file of the version is kept alive by the registry, which never forgets one.
      return [...found];
    },
  };
}

function rowOf(score: ScoreRecord): ScoreTables['score'] {
  return {
    id: score.id,
    endpoint: score.endpointId,
    endpoint_name: score.endpoint,
    team: score.team,
    operation: score.operation,
    state: score.state,
    model: score.served.model,
    version: score.served.number,
    served: JSON.stringify(score.served),
    settings: JSON.stringify(score.settings),
    wish: JSON.stringify(score.wish),
    input_digest: score.wish.digest,
    input_bytes: score.inputBytes,
    rows_done: score.rowsDone,
    rows_total: score.rowsTotal,
    bad_rows: score.badRows,
    result_digest: score.result?.digest ?? null,
    result_bytes: score.result?.sizeBytes ?? null,
    errors_digest: score.errors?.digest ?? null,
    errors_bytes: score.errors?.sizeBytes ?? null,
    problem: score.problem === null ? null : JSON.stringify(score.problem),
    created_at: score.createdAt,
    created_by: score.author.id,
    token: score.author.token ?? null,
    actor_kind: score.author.kind,
    request: score.request,
    finished_at: score.finishedAt,
    expires_at: score.expiresAt,
  };
}

function recordOf(row: ScoreTables['score']): ScoreRecord {
  const table = (digest: string | null, sizeBytes: number | null) =>
    digest === null || sizeBytes === null ? null : { digest, sizeBytes };
  return {
    id: row.id,
    endpointId: row.endpoint,
    endpoint: row.endpoint_name,
    team: row.team,
    operation: row.operation,
    state: row.state,
    served: JSON.parse(row.served) as ServedVersion,
    settings: servingSettingsSchema.parse(JSON.parse(row.settings)),
    // Through the schema, so that a field that is newer than the row gets its default.
    wish: startScoreSchema.parse(JSON.parse(row.wish)) satisfies StartScore,
    inputBytes: row.input_bytes,
    rowsDone: row.rows_done,
    rowsTotal: row.rows_total,
    badRows: row.bad_rows,
    result: table(row.result_digest, row.result_bytes),
    errors: table(row.errors_digest, row.errors_bytes),
    problem: row.problem === null ? null : (JSON.parse(row.problem) as Problem),
    createdAt: row.created_at,
    author: { kind: row.actor_kind, id: row.created_by, ...(row.token === null ? {} : { token: row.token }) },
    request: row.request,
    finishedAt: row.finished_at,
    expiresAt: row.expires_at,
  };
}
