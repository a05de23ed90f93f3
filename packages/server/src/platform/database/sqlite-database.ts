import type { DatabaseSync } from 'node:sqlite';
import { MusterError } from '@muster-ml/protocol';
import { Kysely } from 'kysely';
import { Checkpointer } from './checkpointer.ts';
import type { Database } from './database.ts';
import { GroupCommit } from './group-commit.ts';
import { migrate } from './migrate.ts';
import { createSqliteDialect, wholeTransactions } from './sqlite-dialect.ts';
import { lockSqliteFile, openSqliteReader, openSqliteWriter } from './sqlite-file.ts';

export interface SqliteOptions {
  readonly file: string;
  readonly onFatal: (error: MusterError) => void;
  readonly crashPoint?: ((name: string) => void) | undefined;
}

/** Opens (and makes, and migrates) an embedded database. One process a file: throws `data_dir_in_use`. */
export async function openSqliteDatabase(options: SqliteOptions): Promise<Database> {
  const { file, onFatal } = options;
  const unlock = lockSqliteFile(file);
  let writer: DatabaseSync | undefined;
  try {
    const db = openSqliteWriter(file);
    writer = db;
    await migrate(new Kysely<unknown>({ dialect: createSqliteDialect(db, wholeTransactions) }), 'sqlite');
    const readerConnection = openSqliteReader(file);
    const reader = new Kysely<unknown>({ dialect: createSqliteDialect(readerConnection, wholeTransactions) });
    const group = new GroupCommit({ db, onFatal, crashPoint: options.crashPoint });
    const checkpointer = new Checkpointer(file, (cause) =>
      onFatal(new MusterError('storage_unavailable', `a checkpoint of ${file} failed`, { cause })),
    );
    let closing: Promise<void> | undefined;
    return {
      kind: 'sqlite',
      reader,
      inTransaction: (work) => group.inTransaction(work),
      isHealthy: async () => {
        if (!group.isWorking) return false;
        try {
          return readerConnection.prepare('SELECT 1 AS one').get()?.one === 1;
        } catch {
          return false;
        }
      },
      close: () =>
        (closing ??= (async () => {
          await group.drain();
          await checkpointer.close();
          readerConnection.close();
          db.close();
          unlock();
        })()),
    };
  } catch (error) {
    writer?.close();
    unlock();
    throw error;
  }
}
