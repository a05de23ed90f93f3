import { MusterError, type SecretName, secretReference } from '@muster-ml/protocol';
import { type Caller, ledgerActor } from '../identity/index.ts';
import { digestOf } from '../ledger/index.ts';
import type { SecretParts } from './parts.ts';
import { secretNotFound, secretResource } from './secret.ts';

/** Endpoints that a refusal names. */
const mostNamed = 5;

/**
 * Deletes a secret with its value. With `force`, which names it, also where deployments refer to it: what runs goes on with
 * the value that it has, and its next start fails.
 *
 * Throws `secret_not_found`, `not_allowed`, `secret_in_use`, `invalid_request` where `force` names another.
 */
export async function deleteSecret(
  parts: SecretParts,
  caller: Caller,
  name: SecretName,
  force: string | undefined,
): Promise<void> {
  const { database, store, identity, ledger } = parts;
  identity.authorize(caller, 'secret.delete', secretResource(name));
  if (force !== undefined && force !== name.name)
    throw new MusterError('invalid_request', `force names ${force}, the secret is ${name.name}`, {
      place: 'query.force',
      remedy: `Write force=${name.name} to delete it although deployments refer to it.`,
    });
  await database.inTransaction(async (tx) => {
    const secret = await store.findForUpdate(tx, name);
    if (secret === undefined) throw secretNotFound(name);
    const users = await parts.usersOf(tx, [secretReference(name)]);
    if (users.length > 0 && force === undefined) {
      const seen = users.filter(({ endpoint, team }) =>
        identity.may(caller, 'endpoint.read', { kind: 'endpoint', id: endpoint, team }),
      );
      const names = [...new Set(seen.map(({ endpoint }) => endpoint))];
      const listed = names.slice(0, mostNamed).join(', ') + (names.length > mostNamed ? ' and others' : '');
      throw new MusterError(
        'secret_in_use',
        `${secretReference(name)} is used by ${listed === '' ? 'endpoints of other teams' : listed}`,
      );
    }
    await store.remove(tx, secret);
    await ledger.append(tx, {
      actor: ledgerActor(caller),
      action: 'secret.delete',
      subject: { kind: 'secret', id: `${name.team}/${name.name}` },
      team: name.team,
      outcome: 'allowed',
      request: caller.requestId,
      before: digestOf({ secret: secret.id, version: secret.lastNumber }),
      ctx: { secret: secret.id, forced: force !== undefined, users: users.length },
    });
  });
  parts.announce();
}
