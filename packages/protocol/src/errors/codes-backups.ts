import { codes } from './kind.ts';

/** Codes of backups, and of restoring them. */
export const backupCodes = codes({
  backup_running: {
    kind: 'conflict',
    title: 'A backup is being made already',
    remedy: 'Wait for the end of its operation, then make another one.',
  },
  backup_failed: {
    kind: 'unavailable',
    title: 'The backup could not be made',
    remedy: 'Correct what is named, then make it again; nothing half-made is left.',
  },
  backup_tool_missing: {
    kind: 'failed_precondition',
    title: 'A program that backups of PostgreSQL need is not there',
    remedy:
      'Install the client programs of PostgreSQL, of the version of the database or newer, and see that PATH finds them.',
  },
  backup_not_found: {
    kind: 'not_found',
    title: 'There is no such backup',
    remedy: 'Name the folder of a finished backup; muster backup list shows those of a server.',
  },
  backup_unfinished: {
    kind: 'failed_precondition',
    title: 'The backup was not finished',
    remedy: 'Take another one: its manifest, which is written last, is missing.',
  },
  backup_damaged: {
    kind: 'failed_precondition',
    title: 'The backup is not as it was made',
    remedy: 'Take another copy of it, or another backup; nothing was restored.',
  },
  backup_newer: {
    kind: 'failed_precondition',
    title: 'The backup was made by a newer Muster',
    remedy: 'Restore it with that version, or a newer one.',
  },
  restore_not_empty: {
    kind: 'conflict',
    title: 'The place to restore into is not empty',
    remedy: 'Name a folder that does not exist or holds nothing, and an empty database.',
  },
  restore_failed: {
    kind: 'unavailable',
    title: 'The backup could not be restored',
    remedy: 'Correct what is named, empty the place, and restore again.',
  },
  drill_failed: {
    kind: 'failed_precondition',
    title: 'The backup did not pass the drill',
    remedy: 'See which check failed; make another backup and verify that one.',
  },
});
