import type { Kysely } from 'kysely';
import type { Tx } from '../platform/database/index.ts';
import type { EvidenceRecord } from './evidence.ts';

/** The table of evidence, as sql/0012-standing.sql makes it. */
export type EvidenceTables = {
  evidence: {
    id: string;
    /** Id of an endpoint. */
    endpoint: string;
    check_id: string;
    model: string | null;
    version: number | null;
    source: EvidenceRecord['source'];
    passed: number;
    summary: string;
    /** JSON. */
    figures: string;
    at: number;
    actor: string;
    entry: number;
  };
};

/** Reads take the database's reader or a transaction. */
export interface EvidenceStore {
  add(tx: Tx, evidence: EvidenceRecord): Promise<void>;
  /** Of one endpoint, newest first. */
  page(
    db: Kysely<unknown>,
    endpointId: string,
    filter: { readonly check: string | undefined; readonly before: string | undefined; readonly limit: number },
  ): Promise<readonly EvidenceRecord[]>;
  /** Of each endpoint, check and source the newest: what judging needs. */
  newest(db: Kysely<unknown>, endpointIds: readonly string[]): Promise<readonly EvidenceRecord[]>;
}

const tables = (db: Kysely<unknown>): Kysely<EvidenceTables> => db.withTables<EvidenceTables>();

/** Ids in one `IN (…)`, far below the limits of both databases. */
const chunk = 500;

export const evidenceStore: EvidenceStore = {
  async add(tx, { endpointId, check, by, passed, figures, ...same }) {
    const row = {
      ...same,
      endpoint: endpointId,
      check_id: check,
      actor: by,
      passed: passed ? 1 : 0,
      figures: JSON.stringify(figures),
    };
    await tables(tx).insertInto('evidence').values(row).execute();
  },

  async page(db, endpointId, { check, before, limit }) {
    let query = tables(db)
      .selectFrom('evidence')
      .selectAll()
      .where('endpoint', '=', endpointId)
      .orderBy('id', 'desc')
      .limit(limit);
    if (check !== undefined) query = query.where('check_id', '=', check);
    if (before !== undefined) query = query.where('id', '<', before);
    return (await query.execute()).map(toRecord);
  },

  async newest(db, endpointIds) {
    const found = new Map<string, EvidenceRecord>();
    for (let at = 0; at < endpointIds.length; at += chunk) {
      const rows = await tables(db)
        .selectFrom('evidence')
        .innerJoin(
          (eb) =>
            eb
              .selectFrom('evidence')
              .select((of) => ['endpoint', 'check_id', 'source', of.fn.max('at').as('newest_at')])
              .where('endpoint', 'in', endpointIds.slice(at, at + chunk))
              .groupBy(['endpoint', 'check_id', 'source'])
              .as('newest'),
          (join) =>
            join
              .onRef('newest.endpoint', '=', 'evidence.endpoint')
              .onRef('newest.check_id', '=', 'evidence.check_id')
              .onRef('newest.source', '=', 'evidence.source')
              .onRef('newest.newest_at', '=', 'evidence.at'),
        )
        .selectAll('evidence')
        .orderBy('evidence.id')
        .execute();
      // Of the same millisecond, the last.
      for (const row of rows) found.set(`${row.endpoint} ${row.check_id} ${row.source}`, toRecord(row));
    }
    return [...found.values()];
  },
};

function toRecord(row: EvidenceTables['evidence']): EvidenceRecord {
  const { endpoint: endpointId, check_id: check, actor: by, passed, figures, ...same } = row;
  return {
    ...same,
    endpointId,
    check,
    by,
    passed: passed === 1,
    figures: JSON.parse(figures) as EvidenceRecord['figures'],
  };
}
