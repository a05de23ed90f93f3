import { mkdir, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { type BackupManifest, MusterError, type Operation, toMusterError } from '@muster-ml/protocol';
import { type Caller, ledgerActor } from '../identity/index.ts';
import type { LedgerActor, NewEntry } from '../ledger/index.ts';
import type { OperationHandle } from '../platform/operations/index.ts';
import { syncFolder } from '../platform/objects/index.ts';
import {
  backupName,
  countObjects,
  databaseFiles,
  isBackupName,
  manifestName,
  renderBackup,
  withheld,
} from './backup.ts';
import { copyObjects } from './copy-objects.ts';
import { writeDurably } from './durable-copy.ts';
import { sealManifest, sizeOf } from './manifest.ts';
import type { BackupParts } from './parts.ts';
import { snapshotPostgresql } from './snapshot-postgresql.ts';
import { type Snapshot, snapshotSqlite } from './snapshot-sqlite.ts';

/** A backup that was asked for, as it is carried out. */
export interface BackupTask {
  readonly name: string;
  readonly author: LedgerActor;
  readonly request: string;
}

/**
 * Notes that a backup is to be made and answers its operation, whose result is `{backup}`. Throws `backup_running`, and
 * `backup_failed` where the folder cannot be written.
 */
export async function createBackup(
  parts: BackupParts,
  caller: Caller,
): Promise<{ readonly operation: Operation; readonly task: BackupTask }> {
  const { database, ledger, operations, lease } = parts;
  parts.identity.authorize(caller, 'installation.backup', { kind: 'installation', id: 'backups' });
  await mkdir(parts.folder, { recursive: true, mode: 0o700 }).catch((error: unknown) => {
    throw toBackupError(error);
  });
  const task = { name: backupName(parts.clock.now()), author: ledgerActor(caller), request: caller.requestId };
  const operation = await database.inTransaction(async (tx) => {
    await lease.take(tx, task.name);
    const created = await operations.create(tx, {
      kind: 'backup',
      subject: `backup/${task.name}`,
      team: null,
      createdBy: caller.actor.id,
      input: { ...task },
      progress: 'waiting',
    });
    await ledger.append(tx, {
      ...entryOf(task),
      actor: task.author,
      action: 'installation.backup',
      outcome: 'allowed',
      ctx: { operation: created.id },
    });
    return created;
  });
  return { operation, task };
}

/** Carries a backup out. Answers the operation's result; what fails or is cancelled leaves nothing but shared content. */
export async function makeBackup(
  parts: BackupParts,
  handle: OperationHandle,
  task: BackupTask,
  isDraining: () => boolean,
): Promise<Readonly<Record<string, unknown>>> {
  const { database, ledger, operations, lease } = parts;
  const backup = join(parts.folder, task.name);
  const lost = new AbortController();
  const release = lease.keep(task.name, (error) =>
    lost.abort(new MusterError('backup_failed', 'the lease could not be renewed', { cause: error })),
  );
  const signal = AbortSignal.any([handle.signal, lost.signal]);
  try {
    await removeUnfinished(parts.folder);
    const manifest = await write(parts, backup, task.name, signal, handle);
    const rendered = renderBackup(manifest, backup);
    await database.inTransaction(async (tx) => {
      await lease.release(tx, task.name);
      await operations.finish(tx, handle.id, { state: 'succeeded', result: { backup: rendered } });
      const { count, bytes } = countObjects(manifest.facts.objects);
      const { size, root } = manifest.facts.ledger;
      await ledger.append(tx, {
        ...entryOf(task),
        action: 'system.backup-end',
        outcome: 'allowed',
        after: manifest.sha256,
        ctx: { operation: handle.id, objects: count, bytes, size, root, database: manifest.database.sha256 },
      });
    });
    operations.announce(handle.id);
    return { backup: rendered };
  } catch (thrown) {
    const error = toBackupError(lost.signal.aborted ? lost.signal.reason : thrown);
    await rm(backup, { recursive: true, force: true }).catch(() => {});
    // At a restart it is the next process that says how it ended (backups.ts).
    if (isDraining()) await database.inTransaction(async (tx) => await lease.release(tx, task.name));
    else await noteFailure(parts, task, handle.id, handle.signal.aborted ? 'operation_cancelled' : error.code);
    throw error;
  } finally {
    release();
  }
}

/** The ledger's word on a backup that came to nothing. */
export async function noteFailure(
  parts: BackupParts,
  task: BackupTask,
  operation: string,
  code: string,
): Promise<void> {
  await parts.database.inTransaction(async (tx) => {
    await parts.lease.release(tx, task.name);
    await parts.ledger.append(tx, {
      ...entryOf(task),
      action: 'system.backup-end',
      outcome: 'failed',
      ctx: { operation, code },
    });
  });
}

function entryOf({ name, author, request }: BackupTask): Pick<NewEntry, 'actor' | 'subject' | 'team' | 'request'> {
  return { actor: author, subject: { kind: 'backup', id: name }, team: null, request };
}

/** Snapshot, content, and the manifest last. */
async function write(
  parts: BackupParts,
  backup: string,
  name: string,
  signal: AbortSignal,
  handle: OperationHandle,
): Promise<BackupManifest> {
  const { kind } = parts.database;
  await mkdir(backup, { mode: 0o700 });
  await syncFolder(parts.folder);
  handle.progress('taking a snapshot of the database');
  const madeAt = new Date(parts.clock.now()).toISOString();
  const file = databaseFiles[kind];
  const { facts, sizeBytes, sha256 } = await takeSnapshot(parts, join(backup, file), signal);
  await copyObjects(
    {
      objects: parts.objects,
      folder: parts.folder,
      signal,
      onProgress: (done, of) => handle.progress(`copying content: ${done} of ${of}`),
    },
    facts.objects,
  );
  signal.throwIfAborted();
  const manifest = sealManifest({
    format: 1,
    name,
    madeAt,
    version: parts.softwareVersion,
    environment: parts.environment,
    installation: parts.installation,
    database: { kind, file, sizeBytes, sha256 },
    facts,
    withheld: [...withheld],
  });
  const text = Buffer.from(`${JSON.stringify(manifest, null, 1)}\n`);
  await writeDurably(join(backup, manifestName), [text], () => {});
  return manifest;
}

async function takeSnapshot({ source }: BackupParts, target: string, signal: AbortSignal): Promise<Snapshot> {
  return 'file' in source
    ? await snapshotSqlite(source.file, target, signal)
    : await snapshotPostgresql(source, target, signal);
}

/** What a crash left: folders without a manifest. Only one backup is made at a time, so none of them is being written. */
async function removeUnfinished(folder: string): Promise<void> {
  for (const name of (await readdir(folder)).filter(isBackupName))
    if ((await sizeOf(join(folder, name, manifestName))) === undefined)
      await rm(join(folder, name), { recursive: true, force: true });
}

/** What the file system throws, in words of this room; a full volume has a name of its own. */
function toBackupError(error: unknown): MusterError {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  if (error instanceof MusterError || typeof code !== 'string' || !/^E[A-Z]+$/.test(code)) return toMusterError(error);
  const isFull = code === 'ENOSPC' || code === 'EDQUOT';
  return new MusterError(isFull ? 'disk_full' : 'backup_failed', `the folder of backups: ${(error as Error).message}`, {
    place: 'backup.folder',
    cause: error,
  });
}
