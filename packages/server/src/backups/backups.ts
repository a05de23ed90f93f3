import { type Backup, MusterError, type Operation, type Page, type PageQuery, toProblem } from '@muster-ml/protocol';
import type { Caller } from '../identity/index.ts';
import type { ObjectStore } from '../platform/objects/index.ts';
import { type BackupTask, createBackup, makeBackup, noteFailure } from './create-backup.ts';
import { createBackupLease } from './lease.ts';
import { listBackups } from './list-backups.ts';
import type { BackupParts } from './parts.ts';

const lookAgainMs = 60_000;

/** Backups of the whole installation. What each use case throws is said where it is written. */
export interface Backups {
  createBackup(caller: Caller): Promise<Operation>;
  listBackups(caller: Caller, query: PageQuery): Promise<Page<Backup>>;
  /** Ends what the last process left running; called once at the start. */
  start(): Promise<void>;
  /** From now on what stops is ended by the next start; call it before the operations are drained. */
  drain(): void;
}

export function createBackups(
  given: Omit<BackupParts, 'lease' | 'objects'> & {
    readonly objects: ObjectStore;
    readonly onError: (error: unknown) => void;
  },
): Backups {
  const { database, operations } = given;
  const lease = createBackupLease(given);
  const parts: BackupParts = { ...given, lease };
  let isDraining = false;
  given.objects.registerReferences(async (tx, digests) => await lease.references(tx, digests));

  /** On PostgreSQL another control may be making it now, or have died with it: then the lease tells in a minute. */
  async function endInterrupted(): Promise<void> {
    if (database.kind === 'postgresql' && (await lease.isHeld())) {
      given.clock.after(lookAgainMs, () => void endInterrupted().catch(given.onError));
      return;
    }
    for (const { operation, input } of await operations.interrupted('backup'))
      await noteInterrupted(parts, operation, input as unknown as BackupTask);
  }

  return {
    async createBackup(caller) {
      const { operation, task } = await createBackup(parts, caller);
      operations.run(operation.id, async (handle) => await makeBackup(parts, handle, task, () => isDraining));
      return operation;
    },
    listBackups: async (caller, query) => await listBackups(parts, caller, query),
    async start() {
      await lease.prepare();
      await endInterrupted();
    },
    drain() {
      isDraining = true;
    },
  };
}

/** A backup of an earlier process, or of the installation that this one was restored from: it is not taken up again. */
async function noteInterrupted(parts: BackupParts, operation: Operation, task: BackupTask): Promise<void> {
  const error = new MusterError('operation_interrupted', `the backup ${task.name} was interrupted by a restart`);
  await parts.database.inTransaction(
    async (tx) => await parts.operations.finish(tx, operation.id, { state: 'failed', problem: toProblem(error) }),
  );
  parts.operations.announce(operation.id);
  await noteFailure(parts, task, operation.id, error.code);
}
