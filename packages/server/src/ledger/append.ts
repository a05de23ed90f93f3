import { sql } from 'kysely';
import type { Clock } from '../platform/clock/index.ts';
import { isPostgresql } from '../platform/database/index.ts';
import { canonicalJson } from './canonical-json.ts';
import type { Ledger, NewEntry } from './entry.ts';
import { leafOf } from './merkle-tree.ts';
import type { LedgerTables } from './tables.ts';

/** Version of the body's form. */
const bodyVersion = 1;

/** Key of the advisory lock that orders writers on PostgreSQL: the bytes of "muster". */
const lockKey = 0x6d7573746572;

/** The ledger: append-only, in the transaction of what it describes. The tree over it is built from `leaf`. */
export function createLedger(parts: { readonly clock: Clock }): Ledger {
  return {
    async append(tx, entry) {
      // On SQLite there is one writer. On PostgreSQL the lock is held from here to the commit, so that the highest
      // number that is visible is the last; a SEQUENCE would leave gaps where transactions roll back.
      if (isPostgresql(tx)) await sql`select pg_advisory_xact_lock(${lockKey})`.execute(tx);
      const db = tx.withTables<LedgerTables>();
      const last = await db
        .selectFrom('ledger_entry')
        .select(['seq', 'at'])
        .orderBy('seq', 'desc')
        .limit(1)
        .executeTakeFirst();
      const seq = last === undefined ? 0 : last.seq + 1;
      // A clock that is set back, or that of another control, must not look like back-dating.
      const at = Math.max(parts.clock.now(), last?.at ?? 0);
      const body = bodyOf(seq, at, entry);
      await db
        .insertInto('ledger_entry')
        .values({
          seq,
          at,
          actor_id: entry.actor.id,
          action: entry.action,
          subject_kind: entry.subject.kind,
          subject_id: entry.subject.id,
          team_id: entry.team,
          body,
          leaf: leafOf(body),
          outcome: entry.outcome,
        })
        .execute();
      return seq;
    },
  };
}

/** What is hashed and kept: canonical JSON, so that anybody can write the same bytes. */
export function bodyOf(seq: number, at: number, entry: NewEntry): string {
  return canonicalJson({
    v: bodyVersion,
    seq,
    at,
    actor: entry.actor,
    action: entry.action,
    subject: entry.subject,
    team: entry.team,
    outcome: entry.outcome,
    request: entry.request,
    before: entry.before,
    after: entry.after,
    ctx: entry.ctx ?? {},
  });
}
