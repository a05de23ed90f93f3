import type { Command } from 'commander';
import type { BackupVerifyFlags } from '../commands/backup-verify.ts';
import type { RestoreFlags } from '../commands/restore.ts';
import { type Does, withExamples } from './does.ts';

/** `muster backup …` */
export function addBackupCommands(program: Command, does: Does): void {
  const backup = program
    .command('backup')
    .summary('make, list and try out backups')
    .description('Backups of the whole installation: its database and every file that it refers to.');

  const create = backup
    .command('create')
    .description('Have the server back itself up, while it works, into the folder of its setting backup.folder.');
  does<[]>(create, async (invocation) => await (await import('../commands/backup-create.ts')).backupCreate(invocation));
  withExamples(create, 'muster backup create');

  const list = backup.command('list').description('List the backups in that folder, newest first.');
  does<[]>(list, async (invocation) => await (await import('../commands/backup-list.ts')).backupList(invocation));
  withExamples(list, 'muster backup list', 'muster backup list -o wide');

  const verify = backup
    .command('verify')
    .description(
      'Try a backup out: restore it into a temporary folder, start a server on it, compare, and predict once with each runtime. A backup of PostgreSQL is restored into the empty database that MUSTER_DATABASE_URL names.',
    )
    .argument('<backup>', 'its folder, or its name where the server is on this machine')
    .option('--wait <SECONDS>', 'how long the models may take to be ready (default: 300)');
  does<[string], BackupVerifyFlags>(
    verify,
    async (invocation, [what], flags) =>
      await (await import('../commands/backup-verify.ts')).backupVerify(invocation, what, flags),
  );
  withExamples(
    verify,
    'muster backup verify 2026-11-30T20-28-31-123Z',
    'muster backup verify /backup/2026-11-30T20-28-31-123Z --json',
  );
}

/** `muster restore`, which needs no server. */
export function addRestoreCommand(program: Command, does: Does): void {
  const restore = program
    .command('restore')
    .summary('restore a backup into an empty place')
    .description(
      'Restore a backup on this machine into an empty folder, after everything in it was checked. A backup of PostgreSQL goes into the empty database that MUSTER_DATABASE_URL or the configuration names.',
    )
    .argument('<backup>', 'its folder')
    .requiredOption('--data-dir <FOLDER>', 'data directory to make; empty, or not there yet')
    .option('--config <FILE>', 'configuration of the server');
  does<[string], RestoreFlags>(
    restore,
    async (invocation, [backup], flags) =>
      await (await import('../commands/restore.ts')).restore(invocation, backup, flags),
  );
  withExamples(restore, 'muster restore /backup/2026-11-30T20-28-31-123Z --data-dir ./restored');
}
