import { mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { MusterError } from '@muster-ml/protocol';
import { faultOf } from './database-error.ts';

/** Sleeps on the thread that serves, so it is short: who holds the lock longer is waited for outside (GroupCommit). */
const busyTimeoutMs = 50;

/**
 * Opens the connection that writes, making the file if it is not there. auto_vacuum comes first: on a new file it is
 * silently ignored once journal_mode is WAL. mmap stays off: it turns an I/O error into SIGBUS. Checkpoints are the
 * business of a worker.
 */
export function openSqliteWriter(file: string): DatabaseSync {
  mkdirSync(dirname(file), { recursive: true });
  const db = new DatabaseSync(file, { timeout: busyTimeoutMs });
  db.exec(`
    PRAGMA auto_vacuum=INCREMENTAL;
    PRAGMA journal_mode=WAL;
    PRAGMA foreign_keys=ON;
    PRAGMA trusted_schema=OFF;
    PRAGMA synchronous=FULL;
    PRAGMA cache_size=-64000;
    PRAGMA temp_store=MEMORY;
    PRAGMA mmap_size=0;
    PRAGMA journal_size_limit=67108864;
    PRAGMA wal_autocheckpoint=0;
  `);
  const mode = db.prepare('PRAGMA journal_mode').get()?.journal_mode;
  if (mode !== 'wal') {
    db.close();
    throw new MusterError(
      'invalid_configuration',
      `the file system of ${file} can't hold a SQLite database in WAL mode`,
      {
        remedy: 'Put the data directory on a local disk, or use PostgreSQL (MUSTER_DATABASE_URL).',
      },
    );
  }
  return db;
}

/** A second connection to the same file for reads outside transactions; sees what is committed only. */
export function openSqliteReader(file: string): DatabaseSync {
  const db = new DatabaseSync(file, { readOnly: true, timeout: busyTimeoutMs });
  db.exec('PRAGMA trusted_schema=OFF; PRAGMA cache_size=-16000; PRAGMA temp_store=MEMORY; PRAGMA mmap_size=0;');
  return db;
}

/**
 * Takes the right to write `file` until the process ends or the answer is called: two writing processes would each
 * believe in their own queue. The lock is SQLite's own, on a file beside it, so the kernel gives it back however the
 * process ends. Throws `data_dir_in_use`.
 */
export function lockSqliteFile(file: string): () => void {
  mkdirSync(dirname(file), { recursive: true });
  const lock = new DatabaseSync(`${file}.lock`, { timeout: 0 });
  try {
    lock.exec('PRAGMA locking_mode=EXCLUSIVE; PRAGMA journal_mode=MEMORY; BEGIN EXCLUSIVE');
  } catch (error) {
    lock.close();
    if (faultOf(error)?.kind !== 'serialization') throw error;
    throw new MusterError('data_dir_in_use', `another process writes ${file}`, { cause: error });
  }
  return () => lock.close();
}
