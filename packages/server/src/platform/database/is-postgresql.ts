import { PostgresAdapter } from 'kysely';
import type { Tx } from './database.ts';

/** For the few statements that only PostgreSQL has a need for, such as advisory locks. */
export function isPostgresql(tx: Tx): boolean {
  return tx.getExecutor().adapter instanceof PostgresAdapter;
}
