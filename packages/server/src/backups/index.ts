export { createBackups } from './backups.ts';
export { restoreBackup } from './restore-backup.ts';
export { backupRoutes } from './routes.ts';
