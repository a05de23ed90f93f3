import type { Handlers } from '../identity/index.ts';
import type { Backups } from './backups.ts';

/** Routes of backups. */
export function backupRoutes(backups: Backups): Handlers<'backupCreate' | 'backupList'> {
  return {
    backupCreate: async ({ caller }) => await backups.createBackup(caller),
    backupList: async ({ caller, query }) => {
      const page = await backups.listBackups(caller, query);
      return { ...page, items: [...page.items] };
    },
  };
}
