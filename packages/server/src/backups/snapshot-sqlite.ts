import { extname } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { Worker } from 'node:worker_threads';
import { type DatabaseFacts, MusterError } from '@muster-ml/protocol';
import { foldSqliteLedger } from './ledger-fold.ts';

/** A copy of the database as of one moment, on disk, and what is in it. */
export interface Snapshot {
  readonly sizeBytes: number;
  readonly sha256: string;
  readonly facts: DatabaseFacts;
}

/** What the thread answers: it loads nothing of ours, so the ledger is left to who asked. */
export type SnapshotAnswer = Omit<Snapshot, 'facts'> & {
  readonly facts: Omit<DatabaseFacts, 'ledger'>;
  /** SQLite's own findings. */
  readonly faults: readonly string[];
};

/** SQLite's code for a volume that is full, in the lowest byte. */
const sqliteFull = 13;

/**
 * Copies a SQLite database in a thread of its own while others write it; `target` must not exist. Throws `disk_full`, and
 * `backup_failed` where the copy is not sound: then neither is the database.
 */
export async function snapshotSqlite(source: string, target: string, signal: AbortSignal): Promise<Snapshot> {
  // The same extension as this file: .ts from the sources, .js from the package.
  const program = new URL(`./snapshot-worker${extname(import.meta.url)}`, import.meta.url);
  const worker = new Worker(program, { workerData: { source, target }, name: 'muster-snapshot' });
  const cancel = (): void => void worker.terminate();
  signal.addEventListener('abort', cancel, { once: true });
  try {
    const { faults, facts, ...content } = await new Promise<SnapshotAnswer>((resolve, reject) => {
      worker.once('message', resolve);
      worker.once('error', reject);
      worker.once('exit', () => reject(new Error('the thread ended without a snapshot')));
    });
    if (faults.length > 0)
      throw new MusterError('backup_failed', `the database is not sound: ${faults.join('; ')}`, {
        place: source,
        remedy: 'Stop Muster, keep a copy of the file, and restore the last good backup.',
      });
    const snapshot = new DatabaseSync(target, { readOnly: true });
    try {
      return { ...content, facts: { ...facts, ledger: await foldSqliteLedger(snapshot) } };
    } finally {
      snapshot.close();
    }
  } catch (error) {
    throw toSnapshotError(error);
  } finally {
    signal.removeEventListener('abort', cancel);
  }
}

function toSnapshotError(error: unknown): unknown {
  if (!(error instanceof Error) || !('errcode' in error) || typeof error.errcode !== 'number') return error;
  const isFull = (error.errcode & 0xff) === sqliteFull;
  return new MusterError(isFull ? 'disk_full' : 'backup_failed', `no snapshot of the database: ${error.message}`, {
    place: 'backup.folder',
    cause: error,
  });
}
