import type { DatabaseSync } from 'node:sqlite';
import { MusterError } from '@muster-ml/protocol';
import { Kysely } from 'kysely';
import type { Tx } from './database.ts';
import { faultOf, toDatabaseError } from './database-error.ts';
import { type SqliteConnection, createSqliteDialect, savepoints } from './sqlite-dialect.ts';

/** Bounds of the writer; they differ in tests only. */
export interface GroupLimits {
  /** A group takes no further transaction after so long. */
  readonly groupMs: number;
  readonly groupSize: number;
  /** Longer than this, a transaction waits for something that is not its database, and the whole group with it. */
  readonly waitMs: number;
  /** How long another process (a backup, sqlite3 in a terminal) may hold the file's lock. */
  readonly busyMs: number;
}

const defaultLimits: GroupLimits = { groupMs: 2, groupSize: 256, waitMs: 250, busyMs: 5_000 };

export interface GroupCommitOptions {
  readonly db: DatabaseSync;
  /** Called once when a commit failed in a way that leaves the file's state unknown: the process must end. */
  readonly onFatal: (error: MusterError) => void;
  /** Named moments, for the tests that kill the process there. */
  readonly crashPoint?: ((name: string) => void) | undefined;
  readonly limits?: Partial<GroupLimits> | undefined;
}

/** One transaction that waits: `run` does it inside the open group and answers how to tell its caller. */
interface Job {
  run(): Promise<() => void>;
  reject(error: unknown): void;
}

/**
 * The only writer of a SQLite file. Transactions that wait are committed as a group: each in a savepoint of its own,
 * one COMMIT (one fsync) for all, and nobody is answered before it, neither with success nor with a refusal: a refusal
 * may rest on what another of the group wrote.
 *
 * - An error rolls back its own savepoint only. Errors after which SQLite has rolled everything back (disk full, I/O)
 *   reject the whole group.
 * - A failed COMMIT is fatal, since after a failed fsync nobody knows what is on disk, and trying again may lie (the
 *   kernel may have dropped the pages). The exception is a full disk: the write failed before any fsync, the group is
 *   rolled back and refused as `disk_full`, and the process goes on answering reads.
 * - Between groups the event loop runs: the microtasks of busy groups would starve it.
 */
export class GroupCommit {
  readonly #db: DatabaseSync;
  readonly #onFatal: (error: MusterError) => void;
  readonly #crashPoint: (name: string) => void;
  readonly #kysely: Kysely<unknown>;
  readonly #limits: GroupLimits;
  readonly #waiting: Job[] = [];
  /** What the transaction that runs now holds. */
  #connection: SqliteConnection | undefined;
  #pump: Promise<void> | undefined;
  #refusal: MusterError | undefined;

  constructor(options: GroupCommitOptions) {
    this.#db = options.db;
    this.#onFatal = options.onFatal;
    this.#crashPoint = options.crashPoint ?? (() => {});
    this.#limits = { ...defaultLimits, ...options.limits };
    this.#kysely = new Kysely<unknown>({
      dialect: createSqliteDialect(options.db, savepoints, (connection) => {
        this.#connection = connection;
      }),
    });
  }

  /** False once a commit failed or the writer was closed. */
  get isWorking(): boolean {
    return this.#refusal === undefined;
  }

  /** Queues a transaction; resolves or rejects once its group is on disk. */
  inTransaction<R>(work: (tx: Tx) => Promise<R>): Promise<R> {
    if (this.#refusal !== undefined) return Promise.reject(this.#refusal);
    return new Promise<R>((resolve, reject) => {
      this.#waiting.push({
        run: async () => {
          try {
            const result = await this.#inSavepoint(work);
            return () => resolve(result);
          } catch (error) {
            return () => reject(error instanceof Error ? error : new Error(String(error)));
          }
        },
        reject,
      });
      this.#pump ??= this.#commitGroups();
    });
  }

  /** Commits what waits and refuses what comes later. */
  async drain(): Promise<void> {
    this.#refusal ??= new MusterError('storage_unavailable', 'the database is closing');
    await this.#pump;
  }

  async #commitGroups(): Promise<void> {
    while (this.#waiting.length > 0) {
      await new Promise((resolve) => {
        setImmediate(resolve);
      });
      try {
        if (await this.#begin()) await this.#commitGroup();
      } catch (error) {
        this.#fail(error);
      }
    }
    this.#pump = undefined;
  }

  /** Opens the group's transaction, or refuses everybody who waits. */
  async #begin(): Promise<boolean> {
    const giveUpAt = performance.now() + this.#limits.busyMs;
    for (;;) {
      try {
        this.#db.exec('BEGIN IMMEDIATE');
        return true;
      } catch (error) {
        if (faultOf(error)?.kind !== 'serialization' || performance.now() > giveUpAt) {
          this.#rejectWaiting(toDatabaseError(error));
          return false;
        }
      }
      await new Promise((resolve) => {
        setTimeout(resolve, 10);
      });
    }
  }

  async #commitGroup(): Promise<void> {
    const group: Job[] = [];
    const answers: (() => void)[] = [];
    const endAt = performance.now() + this.#limits.groupMs;
    do {
      const job = this.#waiting.shift();
      if (job === undefined) break;
      group.push(job);
      answers.push(await job.run());
      if (!this.#db.isTransaction) {
        const lost = new MusterError('storage_unavailable', 'the database rolled the change back', {
          retryAfterSeconds: 1,
        });
        // The one whose statement failed knows why; the others only that they are gone with it.
        answers.pop()?.();
        for (const other of group.slice(0, -1)) other.reject(lost);
        return;
      }
    } while (group.length < this.#limits.groupSize && performance.now() < endAt);

    try {
      this.#crashPoint('database.before-commit');
      this.#db.exec('COMMIT');
      this.#crashPoint('database.after-commit');
    } catch (error) {
      if (faultOf(error)?.kind !== 'full') {
        const unknown = new MusterError('storage_unavailable', 'the database could not commit the change', {
          details: { outcome: 'unknown' },
          cause: error,
        });
        for (const job of group) job.reject(unknown);
        throw error;
      }
      if (this.#db.isTransaction) this.#db.exec('ROLLBACK');
      for (const job of group) job.reject(toDatabaseError(error));
      return;
    }
    for (const answer of answers) answer();
  }

  async #inSavepoint<R>(work: (tx: Tx) => Promise<R>): Promise<R> {
    const transaction = this.#kysely.transaction().execute(work);
    let timer: NodeJS.Timeout | undefined;
    const tooLong = new Promise<'too long'>((resolve) => {
      timer = setTimeout(() => resolve('too long'), this.#limits.waitMs);
    });
    const first = await Promise.race([transaction.then((result) => ({ result })), tooLong]).finally(() =>
      clearTimeout(timer),
    );
    if (first !== 'too long') return first.result;

    // Whatever it does later is refused, so that it can't write into the transactions of others.
    this.#connection?.close();
    transaction.catch(() => {});
    this.#db.exec(savepoints.rollback);
    throw new Error(`a transaction waited ${this.#limits.waitMs} ms for something that is not its database`);
  }

  #fail(cause: unknown): void {
    const error = new MusterError('storage_unavailable', 'the database could not commit and stops', { cause });
    this.#refusal = error;
    this.#rejectWaiting(error);
    this.#onFatal(error);
  }

  #rejectWaiting(error: unknown): void {
    for (const job of this.#waiting.splice(0)) job.reject(error);
  }
}
