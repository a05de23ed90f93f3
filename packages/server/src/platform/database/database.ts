import type { Kysely, Transaction } from 'kysely';

/**
 * The database, embedded SQLite or PostgreSQL, behind one code path.
 *
 * No room shares a table type with another: a store names its own with `withTables<RegistryTables>()` (a `type`; Kysely
 * does not take an interface there). Values follow the common subset: ids and JSON are text, times are integers of
 * milliseconds, booleans are 0 or 1. `.forUpdate()` and `.skipLocked()` may stand in any query: SQLite, which has one
 * writer, leaves them out.
 */
export interface Database {
  readonly kind: 'sqlite' | 'postgresql';

  /** For reads outside a transaction. Never writes: a write without a transaction would miss its audit entry. */
  readonly reader: Kysely<unknown>;

  /**
   * Runs `work` in one transaction and resolves once it is durable (fsync). On SQLite, transactions that wait are
   * committed as a group, each in a savepoint of its own, so that one failure rejects one caller only.
   *
   * `work` awaits nothing but the database, and may be run again after a serialization failure: it has no other effect.
   * Throws `unique_violation`, `reference_violation`, `storage_unavailable`, `disk_full` for what the database reports; with
   * `details.outcome` = `unknown` where the commit may or may not have happened.
   */
  inTransaction<R>(work: (tx: Tx) => Promise<R>): Promise<R>;

  /** Whether it answers now. */
  isHealthy(): Promise<boolean>;

  /** Finishes what is queued and closes. */
  close(): Promise<void>;
}

/** A running transaction; `tx.withTables<T>()` gives it a room's types. */
export type Tx = Transaction<unknown>;
