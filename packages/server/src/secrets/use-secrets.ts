import { MusterError, type SecretName, type SecretVariables, readSecretReference } from '@muster-ml/protocol';
import type { Caller } from '../identity/index.ts';
import type { Tx } from '../platform/database/index.ts';
import { type SecretParts, openVersion, unreadable } from './parts.ts';
import { type SealedVersion, type SecretRecord, secretNotFound, secretResource } from './secret.ts';

/** What values are handed to. */
export interface ValueUser {
  readonly kind: 'deployment' | 'score';
  readonly id: string;
  readonly endpoint: string;
}

/** Environment variable → value. Never logged, never stored. */
export type SecretValues = Readonly<Record<string, string>>;

/**
 * Whether the caller may have what runs given these secrets. Throws `secret_not_found` and `not_allowed`, with the place
 * below `settings`.
 */
export async function authorizeUse(
  { database, store, identity }: SecretParts,
  caller: Caller,
  variables: SecretVariables,
): Promise<void> {
  for (const [variable, name] of named(variables)) {
    const place = placeOfVariable(variable);
    const missing = (): MusterError => secretNotFound(name, place);
    identity.authorize(caller, 'secret.use', { ...secretResource(name), missing });
    if ((await store.find(database.reader, name)) === undefined) throw missing();
  }
}

/** Sees in the transaction of who refers to them that the secrets exist, and that none is deleted before its commit. */
export async function holdSecrets({ store }: SecretParts, tx: Tx, variables: SecretVariables): Promise<void> {
  // Always in the same order, so that two transactions never wait for each other.
  const inOrder = named(variables).toSorted(([, a], [, b]) => (keyOf(a) < keyOf(b) ? -1 : 1));
  for (const [variable, name] of inOrder)
    if ((await store.findForUpdate(tx, name)) === undefined) throw secretNotFound(name, placeOfVariable(variable));
}

/**
 * The newest values, for the runner of a deployment or of a score. The first time that a version is handed to one is an
 * audit entry, which is written before the value is given out.
 *
 * Throws `secret_not_found`, `secret_unreadable`.
 */
export async function secretValues(
  parts: SecretParts,
  user: ValueUser,
  variables: SecretVariables,
): Promise<SecretValues> {
  const { database, store, keyring } = parts;
  const values: [string, string][] = [];
  for (const [variable, name] of named(variables)) {
    const secret = await store.find(database.reader, name);
    if (secret === undefined) throw secretNotFound(name);
    const version = await store.newest(database.reader, secret);
    if (version === undefined)
      throw unreadable(name, secret.lastNumber, 'its value was given up when its key was lost; set it again');
    const value = await openVersion(keyring, secret, version);
    await noteUse(parts, user, variable, secret, version);
    values.push([variable, value.toString(version.kind === 'text' ? 'utf8' : 'base64')]);
    value.fill(0);
  }
  return Object.fromEntries(values);
}

async function noteUse(
  { database, store, ledger, clock }: SecretParts,
  user: ValueUser,
  variable: string,
  secret: SecretRecord,
  { number }: SealedVersion,
): Promise<void> {
  const use = { secret: secret.id, number, userKind: user.kind, userId: user.id, at: clock.now() };
  if (await store.isUsed(database.reader, use)) return;
  await database.inTransaction(async (tx) => {
    if (!(await store.noteUse(tx, use))) return;
    await ledger.append(tx, {
      actor: { kind: 'system', id: 'reconciler' },
      action: 'secret.use',
      subject: { kind: 'secret', id: `${secret.team}/${secret.name}` },
      team: secret.team,
      outcome: 'allowed',
      request: user.kind,
      ctx: { secret: secret.id, version: number, [user.kind]: user.id, endpoint: user.endpoint, variable },
    });
  });
}

function named(variables: SecretVariables): readonly (readonly [string, SecretName])[] {
  return Object.entries(variables).map(([variable, reference]) => {
    const name = readSecretReference(reference);
    if (name === undefined)
      throw new MusterError('invalid_request', `${reference} is no reference`, { place: placeOfVariable(variable) });
    return [variable, name] as const;
  });
}

function placeOfVariable(variable: string): string {
  return `body.settings.secrets.${variable}`;
}

function keyOf({ team, name }: SecretName): string {
  return `${team}/${name}`;
}
