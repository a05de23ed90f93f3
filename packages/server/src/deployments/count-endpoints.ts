import type { Database } from '../platform/database/index.ts';
import type { DeploymentTables } from './rows.ts';

/** How many endpoints there are, and how many of them have a live deployment that is ready. */
export async function countEndpoints(
  database: Database,
): Promise<{ readonly endpoints: number; readonly ready: number }> {
  const reader = database.reader.withTables<DeploymentTables>();
  const endpoints = await reader
    .selectFrom('endpoint')
    .select(({ fn }) => fn.countAll<number>().as('count'))
    .where('deleted_at', 'is', null)
    .executeTakeFirstOrThrow();
  const ready = await reader
    .selectFrom('deployment')
    .innerJoin('endpoint', 'endpoint.id', 'deployment.endpoint')
    .select(({ fn }) => fn.count<number>('deployment.endpoint').distinct().as('count'))
    .where('endpoint.deleted_at', 'is', null)
    .where('deployment.role', '=', 'live')
    .where('deployment.state', '=', 'ready')
    .executeTakeFirstOrThrow();
  return { endpoints: endpoints.count, ready: ready.count };
}
