import { createHash } from 'node:crypto';
import { closeSync, fsyncSync, openSync, readSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { parentPort, workerData } from 'node:worker_threads';
import { findSqliteFaults, readSqliteFacts } from './facts-sqlite.ts';
import type { SnapshotAnswer } from './snapshot-sqlite.ts';

// Takes a snapshot of a SQLite file beside its writer, and ends. Synchronous on purpose: it has the thread to itself.
// Everything it needs comes from Node and from facts-sqlite.ts: it is started by path, each time.

/** How long it waits for a checkpoint that holds the file. */
const busyTimeoutMs = 10_000;

const { source, target } = workerData as { readonly source: string; readonly target: string };

/** As of one moment: VACUUM INTO reads in one transaction, which in WAL mode no writer waits for. */
function takeSnapshot(): SnapshotAnswer {
  const live = new DatabaseSync(source, { readOnly: true, timeout: busyTimeoutMs });
  try {
    live.exec('PRAGMA trusted_schema=OFF; PRAGMA mmap_size=0');
    live.prepare('VACUUM INTO ?').run(target);
  } finally {
    live.close();
  }
  const { sizeBytes, sha256 } = syncAndHash();
  const snapshot = new DatabaseSync(target, { readOnly: true });
  try {
    return { sizeBytes, sha256, faults: findSqliteFaults(snapshot), facts: readSqliteFacts(snapshot) };
  } finally {
    snapshot.close();
  }
}

function syncAndHash(): { readonly sizeBytes: number; readonly sha256: string } {
  const descriptor = openSync(target, 'r+');
  try {
    fsyncSync(descriptor);
    const hash = createHash('sha256');
    const buffer = new Uint8Array(1024 * 1024);
    let sizeBytes = 0;
    for (;;) {
      const count = readSync(descriptor, buffer, 0, buffer.byteLength, null);
      if (count === 0) return { sizeBytes, sha256: hash.digest('hex') };
      hash.update(buffer.subarray(0, count));
      sizeBytes += count;
    }
  } finally {
    closeSync(descriptor);
  }
}

parentPort?.postMessage(takeSnapshot());
