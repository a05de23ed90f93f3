import { type Action, type Check, MusterError, checks } from '@muster-ml/protocol';
import type { Kysely } from 'kysely';
import { type DeploymentTables, endpointNotFound } from '../deployments/index.ts';
import type { Caller, Identity, Resource } from '../identity/index.ts';
import type { Ledger } from '../ledger/index.ts';
import type { Notify } from '../notifications/index.ts';
import type { Clock, NewId } from '../platform/clock/index.ts';
import type { Database } from '../platform/database/index.ts';
import type { EvidenceStore } from './evidence-store.ts';
import type { WaiverStore } from './waiver-store.ts';

/** What the use cases about evidence and waivers work with. */
export interface EvidenceParts {
  readonly database: Database;
  readonly evidence: EvidenceStore;
  readonly waivers: WaiverStore;
  readonly identity: Pick<Identity, 'authorize' | 'namesOf'>;
  readonly ledger: Ledger;
  readonly notify: Notify;
  readonly clock: Clock;
  readonly newId: NewId;
  /** What checks judge by has changed, or is about to, with the commit: standings are to be judged soon. */
  readonly onChange: () => void;
}

/** What of an endpoint, which belongs to another room, evidence is about. */
export type AboutEndpoint = Pick<DeploymentTables['endpoint'], 'id' | 'name' | 'team' | 'kind' | 'runbook'>;

/** An endpoint that is not deleted. Throws `endpoint_not_found`. */
export async function findEndpoint(
  db: Kysely<unknown>,
  name: string,
  options: { readonly hold?: boolean } = {},
): Promise<AboutEndpoint> {
  const query = db
    .withTables<Pick<DeploymentTables, 'endpoint'>>()
    .selectFrom('endpoint')
    .select(['id', 'name', 'team', 'kind', 'runbook'])
    .where('name', '=', name)
    .where('deleted_at', 'is', null);
  const found = await (options.hold === true ? query.forUpdate() : query).executeTakeFirst();
  if (found === undefined) throw endpointNotFound(name);
  return found;
}

/** The same, if the caller may see it and do this with it. Throws `endpoint_not_found`, `not_allowed`. */
export async function authorizedEndpoint(
  { database, identity }: Pick<EvidenceParts, 'database' | 'identity'>,
  caller: Caller,
  action: Action,
  name: string,
): Promise<AboutEndpoint> {
  const endpoint = await findEndpoint(database.reader, name);
  identity.authorize(caller, action, resourceOf(endpoint));
  return endpoint;
}

/** What an action on the evidence or the waivers of an endpoint is about. */
export function resourceOf({ name, team }: Pick<AboutEndpoint, 'name' | 'team'>): Resource {
  return { kind: 'endpoint', id: name, team, missing: () => endpointNotFound(name) };
}

/** A check of the rubric. Throws `invalid_request`, which names those that there are. */
export function checkOf(id: string): Check {
  const check = checks.find((one) => one.id === id);
  if (check !== undefined) return check;
  throw new MusterError('invalid_request', `there is no check ${id}`, {
    place: 'body.check',
    remedy: `Name one of ${checks.map((one) => one.id).join(', ')}; muster check ENDPOINT shows what they are.`,
  });
}
