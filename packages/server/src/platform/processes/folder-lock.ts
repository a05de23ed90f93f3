import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';

/** A lock that is held; the operating system takes it back when the process dies, however it dies. */
export interface FolderLock {
  readonly release: () => void;
}

/**
 * Locks a folder for one holder of this name. The lock is SQLite's exclusive file lock, so `kill -9` cannot leave a stale
 * one behind, and it is the same on Linux, macOS and Windows.
 * Answers the pid of the holder where it is taken (null: not known).
 */
export function lockFolder(folder: string, name: string): FolderLock | { readonly heldBy: number | null } {
  const pidFile = join(folder, `${name}.pid`);
  const database = new DatabaseSync(join(folder, `${name}.lock`));
  try {
    database.exec(
      'PRAGMA busy_timeout = 0; PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = MEMORY; BEGIN EXCLUSIVE',
    );
  } catch (error) {
    database.close();
    if (/locked|busy/i.test(String(error))) return { heldBy: pidIn(pidFile) };
    throw error;
  }
  writeFileSync(pidFile, `${process.pid}\n`);
  return { release: () => database.close() };
}

/** Waits for a holder that is about to end, for at most `limitMs`. */
export async function waitForLock(
  folder: string,
  name: string,
  limitMs: number,
): Promise<FolderLock | { readonly heldBy: number | null }> {
  const until = performance.now() + limitMs;
  for (;;) {
    const lock = lockFolder(folder, name);
    if ('release' in lock || performance.now() >= until) return lock;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

function pidIn(file: string): number | null {
  try {
    return Number.parseInt(readFileSync(file, 'utf8'), 10) || null;
  } catch {
    return null;
  }
}
