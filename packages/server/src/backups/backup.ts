import { join } from 'node:path';
import type { Backup, BackupManifest } from '@muster-ml/protocol';

/**
 * A backup is a folder named by its time, beside the content that all backups of the same folder share:
 *
 *     <folder>/objects/ab/cd/<digest>
 *     <folder>/2026-11-30T20-28-31-123Z/muster.db        (PostgreSQL: muster.dump)
 *     <folder>/2026-11-30T20-28-31-123Z/manifest.json    written last
 *
 * The database is taken as of one moment, then all content that it names and the folder lacks. Content that is removed
 * meanwhile would be missing, so the sweeper rests until the end (lease.ts). The manifest says what belongs to the
 * backup, digest by digest; a folder without one is no backup, whatever lies in it.
 *
 * Left out are the two keys that would let a thief of backups read secrets and sign a ledger of his own.
 */
export const manifestName = 'manifest.json';

/** What a backup leaves out, for the manifest and for who reads it. */
export const withheld: readonly string[] = [
  'the key that encrypts secrets: keep a copy of it elsewhere, else the secrets of a restored installation must be set again',
  'the key that signs checkpoints of the ledger: a restored installation without it introduces a new one',
  'environments of Python models, which are made again, and uploads and scores that were not finished',
];

export const databaseFiles = { sqlite: 'muster.db', postgresql: 'muster.dump' } as const;

const nameForm = /^\d{4}-\d\d-\d\dT\d\d-\d\d-\d\d-\d{3}Z$/;

/** The name of a backup that begins now: its time in UTC, without characters that file systems dislike. */
export function backupName(nowMs: number): string {
  return new Date(nowMs).toISOString().replaceAll(/[:.]/g, '-');
}

export function isBackupName(text: string): boolean {
  return nameForm.test(text);
}

/** Where content lies within a folder of backups. The digest comes from a checked manifest. */
export function contentPath(folder: string, digest: string): string {
  return join(folder, 'objects', digest.slice(0, 2), digest.slice(2, 4), digest);
}

/** A backup as the API shows it. */
export function renderBackup(manifest: BackupManifest, path: string): Backup {
  const { name, madeAt, version, database, facts } = manifest;
  const { size, root } = facts.ledger;
  return {
    name,
    path,
    madeAt,
    version,
    database: database.kind,
    databaseBytes: database.sizeBytes,
    objects: countObjects(facts.objects),
    ledger: { size, root },
  };
}

/** How many there are, and their bytes together. */
export function countObjects(objects: BackupManifest['facts']['objects']): Backup['objects'] {
  return { count: objects.length, bytes: objects.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0) };
}
