import { MusterError, type StoredObject } from '@muster-ml/protocol';
import type { Kysely } from 'kysely';

export type ObjectTables = {
  object: { digest: string; size: number; state: 'arriving' | 'stored' | 'deleting'; touched_at: number };
};

/** Whether text is a SHA-256 as Muster writes it. Everything that becomes part of a path passes here. */
export function isDigest(text: string): boolean {
  return /^[0-9a-f]{64}$/.test(text);
}

/** Throws `object_not_found` for what is no digest: no such content can exist. */
export function assertDigest(text: string): void {
  if (!isDigest(text)) throw noSuchObject(text.slice(0, 64));
}

export function noSuchObject(digest: string): MusterError {
  return new MusterError('object_not_found', `there is no content with the digest ${digest}`);
}

/**
 * Announces content before its file is moved into place, or touches what is there, so that the sweeper leaves it alone.
 * False while the sweeper is removing it.
 */
export async function announceObject(db: Kysely<unknown>, object: StoredObject, now: number): Promise<boolean> {
  const row = await db
    .withTables<ObjectTables>()
    .insertInto('object')
    .values({ digest: object.digest, size: object.sizeBytes, state: 'arriving', touched_at: now })
    .onConflict((conflict) =>
      conflict.column('digest').doUpdateSet({ touched_at: now }).where('object.state', '!=', 'deleting'),
    )
    .returning('state')
    .executeTakeFirst();
  return row !== undefined;
}

/** Says that the file is in place and durable. */
export async function confirmObject(db: Kysely<unknown>, digest: string, now: number): Promise<void> {
  await db
    .withTables<ObjectTables>()
    .updateTable('object')
    .set({ state: 'stored', touched_at: now })
    .where('digest', '=', digest)
    .execute();
}

/** Touches stored content inside a transaction that begins to refer to it, and so locks its row until the commit. */
export async function holdObject(db: Kysely<unknown>, digest: string, now: number): Promise<StoredObject> {
  const row = await db
    .withTables<ObjectTables>()
    .updateTable('object')
    .set({ touched_at: now })
    .where('digest', '=', digest)
    .where('state', '=', 'stored')
    .returning('size')
    .executeTakeFirst();
  if (row === undefined) throw noSuchObject(digest);
  return { digest, sizeBytes: row.size };
}
