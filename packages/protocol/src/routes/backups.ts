import { backupSchema } from '../management/backups.ts';
import { operationSchema } from '../management/operations.ts';
import { pageOf, pageQuerySchema } from '../management/pages.ts';
import { route } from '../route.ts';

/** Routes of backups of the whole installation. */
export const backupRoutes = {
  backupCreate: route({
    method: 'POST',
    path: '/api/v1/backups',
    action: 'installation.backup',
    summary: 'Backs the installation up into the folder of the server',
    answer: { status: 202, schema: operationSchema },
  }),
  backupList: route({
    method: 'GET',
    path: '/api/v1/backups',
    action: 'installation.backup',
    summary: 'The backups in that folder, newest first',
    query: pageQuerySchema,
    answer: { status: 200, schema: pageOf(backupSchema) },
  }),
} as const;
