import { type Caller, type Identity, inScope } from '../identity/index.ts';
import type { Database } from '../platform/database/index.ts';
import type { DeploymentTables } from './rows.ts';
import { endpointColumns } from './store.ts';

/** How many endpoints the caller sees, and how many of them have a live deployment that is ready; none with a token that may not read them. */
export async function countEndpoints(
  { database, identity }: { readonly database: Database; readonly identity: Identity },
  caller: Caller,
): Promise<{ readonly endpoints: number; readonly ready: number }> {
  if (caller.actor.token?.actions?.includes('endpoint.read') === false) return { endpoints: 0, ready: 0 };
  const isTheirs = inScope(identity.scope(caller, 'endpoint.read'), endpointColumns);
  const reader = database.reader.withTables<DeploymentTables>();
  const endpoints = await reader
    .selectFrom('endpoint')
    .select(({ fn }) => fn.countAll<number>().as('count'))
    .where('deleted_at', 'is', null)
    .where(isTheirs)
    .executeTakeFirstOrThrow();
  const ready = await reader
    .selectFrom('deployment')
    .innerJoin('endpoint', 'endpoint.id', 'deployment.endpoint')
    .select(({ fn }) => fn.count<number>('deployment.endpoint').distinct().as('count'))
    .where('endpoint.deleted_at', 'is', null)
    .where(isTheirs)
    .where('deployment.role', '=', 'live')
    .where('deployment.state', '=', 'ready')
    .executeTakeFirstOrThrow();
  return { endpoints: endpoints.count, ready: ready.count };
}
