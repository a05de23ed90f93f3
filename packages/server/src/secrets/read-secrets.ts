import {
  type Page,
  type PageQuery,
  type Secret,
  type SecretName,
  MusterError,
  secretReference,
} from '@muster-ml/protocol';
import type { Caller } from '../identity/index.ts';
import type { SecretParts } from './parts.ts';
import { type SecretRecord, type SecretUser, renderSecret, secretNotFound, secretResource } from './secret.ts';

type ReadParts = Pick<SecretParts, 'database' | 'store' | 'identity' | 'usersOf'>;

/** Versions that are told of; the ledger knows them all. */
const shownVersions = 20;

/** One secret, without its value. Throws `secret_not_found`. */
export async function getSecret(parts: ReadParts, caller: Caller, name: SecretName): Promise<Secret> {
  parts.identity.authorize(caller, 'secret.read', secretResource(name));
  return await showSecret(parts, caller, name);
}

/** Secrets that the caller may see, by team and name, without their values. */
export async function listSecrets(parts: ReadParts, caller: Caller, query: PageQuery): Promise<Page<Secret>> {
  const { database, store, identity } = parts;
  const secrets = await store.after(database.reader, {
    scope: identity.scope(caller, 'secret.read'),
    after: query.after === undefined ? undefined : nameIn(query.after),
    limit: query.limit + 1,
  });
  const shown = secrets.slice(0, query.limit);
  const last = secrets.length > query.limit ? shown.at(-1) : undefined;
  const items = await render(parts, caller, shown);
  return last === undefined ? { items } : { items, next: cursorOf(last) };
}

/** A secret as it is shown to a caller who was authorized. Throws `secret_not_found`. */
export async function showSecret(parts: ReadParts, caller: Caller, name: SecretName): Promise<Secret> {
  const secret = await parts.store.find(parts.database.reader, name);
  if (secret === undefined) throw secretNotFound(name);
  const [shown] = await render(parts, caller, [secret]);
  if (shown === undefined) throw secretNotFound(name);
  return shown;
}

async function render(
  { database, store, identity, usersOf }: ReadParts,
  caller: Caller,
  secrets: readonly SecretRecord[],
): Promise<readonly Secret[]> {
  const [versions, users] = await Promise.all([
    store.versionsOf(database.reader, secrets, shownVersions),
    usersOf(database.reader, secrets.map(secretReference)),
  ]);
  const mayBeSeen = ({ endpoint, team }: SecretUser): boolean =>
    identity.may(caller, 'endpoint.read', { kind: 'endpoint', id: endpoint, team });
  const byReference = Map.groupBy(users.filter(mayBeSeen), ({ reference }) => reference);
  return secrets.map((secret) =>
    renderSecret(secret, versions.get(secret.id) ?? [], byReference.get(secretReference(secret)) ?? []),
  );
}

/** The opaque cursor of the list. */
function cursorOf({ team, name }: SecretName): string {
  return Buffer.from(`${team}/${name}`).toString('base64url');
}

function nameIn(cursor: string): SecretName {
  const [team, name, more] = Buffer.from(cursor, 'base64url').toString().split('/');
  if (team === undefined || name === undefined || more !== undefined)
    throw new MusterError('invalid_request', 'the cursor is not one that a list gave', { place: 'query.after' });
  return { team, name };
}
