import { statSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { parentPort, workerData } from 'node:worker_threads';

// The thread beside the writer that moves what is committed from the WAL into the file, so that the writer never does.
// It has a connection of its own. Everything it needs comes from Node: it is started by path.

const file = (workerData as { readonly file: string }).file;
const pageBytes = 4096;
const everyMs = 200;
/** Below this many pages a checkpoint is not worth its fsyncs. */
const minPages = 1_000;
/** So long without a write, and the WAL is cut and free pages are given back. */
const idleMs = 5_000;
const optimizeEveryMs = 24 * 60 * 60 * 1000;

const db = new DatabaseSync(file, { timeout: 0 });
db.exec('PRAGMA synchronous=FULL; PRAGMA wal_autocheckpoint=0; PRAGMA mmap_size=0; PRAGMA trusted_schema=OFF');

let lastWriteMs = 0;
let changedAt = performance.now();
let isTidy = false;
let optimizedAt = performance.now();

const timer = setInterval(() => {
  try {
    step();
  } catch (error) {
    const errcode =
      error instanceof Error && 'errcode' in error && typeof error.errcode === 'number' ? error.errcode : 0;
    // Somebody else is busy, or the disk is full: the WAL keeps everything, the next round tries again.
    if ([5, 6, 13].includes(errcode & 0xff)) return;
    clearInterval(timer);
    parentPort?.postMessage({ failed: error instanceof Error ? error.message : String(error) });
  }
}, everyMs);

parentPort?.once('message', () => {
  clearInterval(timer);
  try {
    db.exec('PRAGMA optimize');
  } catch {
    // Statistics only; the next close makes them.
  }
  db.close();
  parentPort?.postMessage({ closed: true });
});

function step(): void {
  const wal = statSync(`${file}-wal`, { throwIfNoEntry: false });
  const now = performance.now();
  if (wal !== undefined && wal.mtimeMs !== lastWriteMs) {
    lastWriteMs = wal.mtimeMs;
    changedAt = now;
    isTidy = false;
  }
  if (now - changedAt >= idleMs) {
    if (!isTidy) tidy();
  } else if (wal !== undefined && wal.size > minPages * pageBytes) {
    // Passive: moves what it can and waits for nobody.
    db.exec('PRAGMA wal_checkpoint(PASSIVE)');
  }
}

function tidy(): void {
  db.exec('PRAGMA incremental_vacuum(200)');
  db.exec('PRAGMA wal_checkpoint(TRUNCATE)');
  if (performance.now() - optimizedAt > optimizeEveryMs) {
    db.exec('PRAGMA optimize');
    optimizedAt = performance.now();
  }
  isTidy = true;
  // Cutting the log is no write of anybody.
  lastWriteMs = statSync(`${file}-wal`, { throwIfNoEntry: false })?.mtimeMs ?? lastWriteMs;
}
