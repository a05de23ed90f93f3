import type { Action, DeploymentRole, Endpoint, EndpointEvent, Page, PageQuery } from '@muster-ml/protocol';
import type { Caller } from '../identity/index.ts';
import { aboutEndpoints } from './about-endpoints.ts';
import { type DeploymentParts, authorizeEndpoint, endpointNotFound } from './change-endpoint.ts';
import type { DeploymentRecord } from './deployment.ts';
import { type EndpointState, servingOf } from './endpoint.ts';
import { refuseObserved } from './refuse-observed.ts';
import { type SeenRunners, renderEndpoint } from './render-endpoint.ts';

/** Reads join what is wished with what is seen, at the moment of the read. */
export type ReadParts = Pick<DeploymentParts, 'database' | 'store' | 'identity' | 'standings'> & {
  readonly seen: () => SeenRunners;
};

/** One endpoint, for a use case that names its action. Throws `endpoint_not_found`, `not_allowed`, `endpoint_observed`. */
export async function getEndpoint(
  parts: ReadParts,
  caller: Caller,
  name: string,
  action: Action = 'endpoint.read',
): Promise<Endpoint> {
  const state = await find(parts, caller, action, name);
  const [endpoint] = await render(parts, [state]);
  if (endpoint === undefined) throw endpointNotFound(name);
  return endpoint;
}

/** What a use case of another room needs of an endpoint. */
export interface ServedEndpoint {
  readonly id: string;
  readonly name: string;
  readonly team: string;
  /** The deployment that has the traffic of a role, with its settings. */
  serving(role: DeploymentRole): Pick<DeploymentRecord, 'id' | 'served' | 'settings' | 'state' | 'problem'> | undefined;
}

/** An endpoint for another room's use case, which names its action. Throws `endpoint_not_found`, `not_allowed`, `endpoint_observed`. */
export async function servedEndpoint(
  parts: Pick<DeploymentParts, 'store' | 'identity'>,
  caller: Caller,
  action: Action,
  name: string,
): Promise<ServedEndpoint> {
  const state = await find(parts, caller, action, name);
  const { id, team } = state.endpoint;
  return { id, name, team, serving: (role) => servingOf(state, role) };
}

/** The endpoints that the caller sees, by name. The cursor is the last name. */
export async function listEndpoints(parts: ReadParts, caller: Caller, query: PageQuery): Promise<Page<Endpoint>> {
  const scope = parts.identity.scope(caller, 'endpoint.read');
  const states = await parts.store.page(scope, query.after, query.limit + 1);
  const shown = states.slice(0, query.limit);
  return page(await render(parts, shown), states.length > query.limit ? shown.at(-1)?.endpoint.name : undefined);
}

/** What happened to an endpoint, newest first. The cursor is the last event's id. */
export async function listEvents(
  parts: ReadParts,
  caller: Caller,
  name: string,
  query: PageQuery,
): Promise<Page<EndpointEvent>> {
  const { endpoint } = await find(parts, caller, 'endpoint.logs', name);
  const events = await parts.store.events(endpoint.id, query.after, query.limit + 1);
  const shown = events.slice(0, query.limit);
  return page(
    shown.map(({ id: _id, ...event }) => event),
    events.length > query.limit ? shown.at(-1)?.id : undefined,
  );
}

/** Renders states as the API shows them. */
export async function render(parts: ReadParts, states: readonly EndpointState[]): Promise<readonly Endpoint[]> {
  const ids = states.flatMap((state) => state.deployments.flatMap((deployment) => deployment.previousId ?? []));
  const previous = ids.length === 0 ? new Map<string, never>() : await parts.store.versionsOf([...new Set(ids)]);
  const about = await aboutEndpoints(
    parts,
    states.map(({ endpoint }) => endpoint),
  );
  const seen = parts.seen();
  return states.map((state) => renderEndpoint(state, seen, previous, about));
}

/** An endpoint that is there, for somebody who may do this with it. Throws `endpoint_not_found`, `not_allowed`, `endpoint_observed`. */
async function find(
  parts: Pick<DeploymentParts, 'store' | 'identity'>,
  caller: Caller,
  action: Action,
  name: string,
): Promise<EndpointState> {
  await authorizeEndpoint(parts, caller, action, name);
  const state = await parts.store.find({ name });
  if (state === undefined) throw endpointNotFound(name);
  refuseObserved(state.endpoint, action);
  return state;
}

function page<T>(items: readonly T[], next: string | undefined): Page<T> {
  return next === undefined ? { items } : { items, next };
}
