import { type Action, MusterError, type Observed, type Page, type PageQuery } from '@muster-ml/protocol';
import { endpointNotFound } from '../deployments/index.ts';
import type { Caller } from '../identity/index.ts';
import { type ObservedRecord, renderObserved } from './observed.ts';
import type { ObservingParts } from './parts.ts';

type ReadParts = Pick<ObservingParts, 'database' | 'store' | 'identity'>;

/** One of them, for somebody who may do this with it. Throws `endpoint_not_found`, `not_allowed`, `endpoint_served`. */
export async function findObserved(
  { database, store, identity }: ReadParts,
  caller: Caller,
  action: Action,
  name: string,
): Promise<ObservedRecord> {
  const endpoint = await store.endpoint(database.reader, name);
  if (endpoint === undefined) throw endpointNotFound(name);
  const { team } = endpoint;
  identity.authorize(caller, action, { kind: 'endpoint', id: name, team, missing: () => endpointNotFound(name) });
  const record = await store.find(database.reader, endpoint.id);
  if (record === undefined) throw endpointServed(name);
  return record;
}

/** Throws `endpoint_not_found`, `endpoint_served`. */
export async function getObserved(parts: ReadParts, caller: Caller, name: string): Promise<Observed> {
  return renderObserved(await findObserved(parts, caller, 'endpoint.read', name));
}

/** Those that the caller sees, by name. The cursor is the last name. */
export async function listObserved(parts: ReadParts, caller: Caller, query: PageQuery): Promise<Page<Observed>> {
  const { database, store, identity } = parts;
  const scope = identity.scope(caller, 'endpoint.read');
  const records = await store.page(database.reader, scope, query.after, query.limit + 1);
  const items = records.slice(0, query.limit).map(renderObserved);
  const last = records.length > query.limit ? items.at(-1) : undefined;
  return last === undefined ? { items } : { items, next: last.name };
}

/** The error of an endpoint that Muster serves itself. */
export function endpointServed(name: string): MusterError {
  return new MusterError('endpoint_served', `Muster serves ${name} itself`);
}
