import { rm } from 'node:fs/promises';
import type { Clock } from '../clock/index.ts';
import type { Database } from '../database/index.ts';
import type { ObjectFolder } from './object-folder.ts';
import type { ObjectTables } from './object-row.ts';
import type { ReferenceSource } from './object-store.ts';

/** Time from a content's last touch in which a room may still begin to refer to it. */
const graceMs = 24 * 60 * 60 * 1000;
const batchSize = 500;

export interface SweepParts {
  readonly database: Database;
  readonly clock: Clock;
  readonly files: ObjectFolder;
  readonly references: readonly ReferenceSource[];
  /** Names in `incoming` that are being written now. */
  readonly writing: ReadonlySet<string>;
  readonly locked: <R>(key: string, work: () => Promise<R>) => Promise<R>;
  /** Removes the file and then the row of content in the state `deleting`. */
  readonly removeContent: (digest: string) => Promise<void>;
}

/**
 * Mark and sweep with the database as the truth. Marking is one transaction that locks the rows, asks every room and
 * sets `deleting`; from then on `hold` refuses the content, so no reference can appear. Then the file goes, then the row:
 * after a crash in between, the next sweep goes on.
 */
export async function sweepObjects(parts: SweepParts): Promise<number> {
  if (parts.references.length === 0) throw new Error('no room has told the object store what it refers to');
  const before = parts.clock.now() - graceMs;
  await removeMarked(parts);
  for (let after: string | undefined = ''; after !== undefined;) after = await markBatch(parts, before, after);
  const removed = await removeMarked(parts);
  await removeStrays(parts, before);
  return removed;
}

/** Marks what is dead among the next candidates; answers where to go on. */
async function markBatch(parts: SweepParts, before: number, after: string): Promise<string | undefined> {
  return await parts.database.inTransaction(async (tx) => {
    const db = tx.withTables<ObjectTables>();
    const candidates = await db
      .selectFrom('object')
      .select('digest')
      .where('state', '!=', 'deleting')
      .where('touched_at', '<', before)
      .where('digest', '>', after)
      .orderBy('digest')
      .limit(batchSize)
      .forUpdate()
      .execute();
    const dead = new Set(candidates.map((row) => row.digest));
    if (dead.size === 0) return undefined;
    const last = candidates.at(-1)?.digest;
    for (const references of parts.references) {
      for (const digest of await references(tx, [...dead])) dead.delete(digest);
    }
    if (dead.size > 0) {
      await db
        .updateTable('object')
        .set({ state: 'deleting' })
        .where('digest', 'in', [...dead])
        .execute();
    }
    return last;
  });
}

async function removeMarked(parts: SweepParts): Promise<number> {
  const reader = parts.database.reader.withTables<ObjectTables>();
  const marked = await reader.selectFrom('object').select('digest').where('state', '=', 'deleting').execute();
  for (const { digest } of marked) {
    await parts.locked(digest, async () => {
      // An adoption that came first has removed and put it anew.
      const row = await reader.selectFrom('object').select('state').where('digest', '=', digest).executeTakeFirst();
      if (row?.state === 'deleting') await parts.removeContent(digest);
    });
  }
  return marked.length;
}

/** Files that no row knows: what a crash left between the rename of a file and its row, or before its rename. */
async function removeStrays(parts: SweepParts, before: number): Promise<void> {
  const { files } = parts;
  const reader = parts.database.reader.withTables<ObjectTables>();
  for await (const { digest, writtenAt } of files.files()) {
    if (writtenAt >= before) continue;
    await parts.locked(digest, async () => {
      const row = await reader.selectFrom('object').select('digest').where('digest', '=', digest).executeTakeFirst();
      if (row === undefined) await files.remove(digest);
    });
  }
  for (const { name } of await files.incomingFiles()) {
    // Nobody can go on with a put that is not running in this process.
    if (name.startsWith('put-') && !parts.writing.has(name)) await rm(files.incomingPath(name), { force: true });
  }
}
