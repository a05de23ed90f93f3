import { createReadStream } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { type BackupManifest, MusterError, type RestoreReport } from '@muster-ml/protocol';
import { orderRestore } from '../ledger/index.ts';
import type { Clock, NewId } from '../platform/clock/index.ts';
import type { Database } from '../platform/database/index.ts';
import { type ObjectStore, createObjectStore } from '../platform/objects/index.ts';
import { contentPath, countObjects, renderBackup } from './backup.ts';
import { createBackupLease } from './lease.ts';
import { damaged, readManifest, sizeOf } from './manifest.ts';
import { type RestoredDatabase, restorePostgresql, restoreSqlite } from './restore-database.ts';
import { takePlace } from './restore-place.ts';
import { sideBySide } from './side-by-side.ts';

export interface RestoreParts {
  /** The folder of the backup; what it shares with others lies beside it. */
  readonly backup: string;
  /** An empty folder, or one that does not exist. */
  readonly dataDir: string;
  /** An empty database, for a backup of PostgreSQL. */
  readonly databaseUrl: string | undefined;
  /** PATH and the like, for the client programs of PostgreSQL. */
  readonly environment: Readonly<Record<string, string>>;
  readonly clock: Clock;
  readonly newId: NewId;
  readonly signal: AbortSignal;
  readonly onProgress: (text: string) => void;
}

/** Content that is copied side by side. */
const atOnce = 4;

/**
 * Restores a backup into an empty place, and nowhere else. Everything is checked before it counts: the manifest, the digest
 * of the database, its pages and references, the rows of each table, the chain of the ledger and the root over it, and each
 * digest. At last an order is left for the ledger: the next start makes it the entry `system.restored`, so that a ledger
 * which is shorter than a checkpoint kept elsewhere does not look like a tampered one.
 *
 * Throws `backup_not_found`, `backup_unfinished`, `backup_damaged` naming the file, `backup_newer`, `schema_mismatch`,
 * `restore_not_empty`, `invalid_configuration`, `disk_full`; then the place is as empty as before. A PostgreSQL database
 * may hold what was restored: it is not Muster's to drop.
 */
export async function restoreBackup(parts: RestoreParts): Promise<RestoreReport> {
  const backup = resolve(parts.backup);
  parts.onProgress('reading the manifest');
  const manifest = await readManifest(backup);
  expectKind(manifest, parts.databaseUrl);
  const place = await takePlace(parts.dataDir);
  let restored: RestoredDatabase | undefined;
  try {
    parts.onProgress('restoring and checking the database');
    const file = join(backup, manifest.database.file);
    restored =
      parts.databaseUrl === undefined
        ? await restoreSqlite(manifest, file, parts.dataDir)
        : await restorePostgresql(
            manifest,
            file,
            { url: parts.databaseUrl, environment: parts.environment },
            parts.signal,
          );
    const { database } = restored;
    const objects = await createObjectStore({ ...parts, folder: join(parts.dataDir, 'objects'), database });
    await restoreObjects(parts, objects, dirname(backup), manifest);
    await tidy(database, manifest, backup);
    await orderRestore(join(parts.dataDir, 'ledger'), { at: parts.clock.now(), backup: manifest.name });
    const migrated = await migratedSince(database, manifest);
    await restored.settle();
    await place.keep();
    return reportOf(manifest, parts.dataDir, migrated);
  } catch (error) {
    await restored?.abandon().catch(() => {});
    await place.clear();
    throw error;
  }
}

function expectKind({ database }: BackupManifest, url: string | undefined): void {
  if ((database.kind === 'postgresql') === (url !== undefined)) return;
  throw new MusterError(
    'invalid_configuration',
    url === undefined
      ? 'it is a backup of a PostgreSQL database, and none is named to restore into'
      : 'it is a backup of an embedded database, and databaseUrl names another one',
    {
      place: 'databaseUrl',
      remedy: url === undefined ? 'Set MUSTER_DATABASE_URL to an empty database.' : 'Leave MUSTER_DATABASE_URL out.',
    },
  );
}

/** Each digest is computed again from what is read: the store keeps nothing else. */
async function restoreObjects(
  parts: RestoreParts,
  objects: Pick<ObjectStore, 'put'>,
  folder: string,
  { facts }: BackupManifest,
): Promise<void> {
  let done = 0;
  await sideBySide(facts.objects, atOnce, async ({ digest, sizeBytes }) => {
    parts.signal.throwIfAborted();
    const path = contentPath(folder, digest);
    const found = await sizeOf(path);
    if (found !== sizeBytes)
      throw damaged(path, found === undefined ? 'is missing' : `has ${found} bytes and not ${sizeBytes}`);
    await objects.put(createReadStream(path), { maxBytes: sizeBytes, sha256: digest }).catch((error: unknown) => {
      const isOther = error instanceof MusterError && error.code === 'digest_mismatch';
      throw isOther ? damaged(path, 'was edited: it has another SHA-256 than its name says') : error;
    });
    parts.onProgress(`restoring content: ${(done += 1)} of ${facts.objects.length}`);
  });
}

type UnfinishedTables = {
  upload: { state: string };
  score_part: { score: string };
  operation: { kind: string; subject: string; state: string; result: string | null; finished_at: number | null };
};

/**
 * Takes out what the snapshot says of files that are in no backup, as a migration would: parts of uploads, which are sent
 * again, and of running scores, which begin anew. The backup itself, which was being made then, is over.
 */
async function tidy(database: Database, manifest: BackupManifest, backup: string): Promise<void> {
  const lease = createBackupLease({ database, clock: { now: Date.now, after: () => () => {} } });
  await database.inTransaction(async (plain) => {
    const tx = plain.withTables<UnfinishedTables>();
    await tx.deleteFrom('upload').where('state', '!=', 'completed').execute();
    await tx.deleteFrom('score_part').execute();
    await lease.release(plain, manifest.name);
    await tx
      .updateTable('operation')
      .set({
        state: 'succeeded',
        result: JSON.stringify({ backup: renderBackup(manifest, backup) }),
        finished_at: Date.parse(manifest.madeAt),
      })
      .where('kind', '=', 'backup')
      .where('subject', '=', `backup/${manifest.name}`)
      .where('state', '=', 'running')
      .execute();
  });
}

async function migratedSince(database: Database, { facts }: BackupManifest): Promise<readonly string[]> {
  const rows = await database.reader
    .withTables<{ schema_migration: { name: string } }>()
    .selectFrom('schema_migration')
    .select('name')
    .orderBy('name')
    .execute();
  return rows.map(({ name }) => name).filter((name) => !facts.migrations.includes(name));
}

function reportOf(manifest: BackupManifest, dataDir: string, migrated: readonly string[]): RestoreReport {
  const { name, madeAt, version, database, facts } = manifest;
  return {
    backup: name,
    madeAt,
    version,
    database: database.kind,
    dataDir,
    facts: { tables: facts.tables, ledger: facts.ledger },
    objects: countObjects(facts.objects),
    migrated: [...migrated],
  };
}
