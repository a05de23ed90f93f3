import { isUtf8 } from 'node:buffer';
import {
  MusterError,
  type Secret,
  type SecretName,
  type SetSecret,
  maxSecretBytes,
  minSecretBytes,
} from '@muster-ml/protocol';
import { type Caller, ledgerActor } from '../identity/index.ts';
import { digestOf } from '../ledger/index.ts';
import type { SecretParts } from './parts.ts';
import { showSecret } from './read-secrets.ts';
import { seal } from './seal.ts';
import { type SecretRecord, placeOf, secretNotFound, secretResource } from './secret.ts';

/**
 * Gives a secret a new value, as its next version, and makes the secret where there is none. Replicas that run keep the
 * value that they were started with.
 *
 * Throws `secret_not_found` for a team that the caller may not see, as for one that does not exist; `not_allowed`; and
 * `invalid_request` for a value that no environment variable could hold.
 */
export async function setSecret(
  parts: SecretParts,
  caller: Caller,
  name: SecretName,
  wish: SetSecret,
): Promise<Secret> {
  const { database, store, keyring, ledger, clock, newId } = parts;
  parts.identity.authorize(caller, 'secret.set', secretResource(name));
  const { value, kind } = valueIn(wish);
  const key = await keyring.activeOrFirst();
  const now = clock.now();
  const fresh: SecretRecord = { ...name, id: newId(), lastNumber: 0, createdAt: now, createdBy: caller.actor.id };
  try {
    await database.inTransaction(async (tx) => {
      await store.insert(tx, fresh);
      const secret = await store.findForUpdate(tx, name);
      if (secret === undefined) throw new MusterError('internal_error', 'the secret went away while it was set');
      const number = secret.lastNumber + 1;
      const version = { number, kind, setAt: now, setBy: caller.actor.id };
      await store.addVersion(tx, secret, version, seal(key, placeOf(secret, number), value));
      await ledger.append(tx, {
        actor: ledgerActor(caller),
        action: 'secret.set',
        subject: { kind: 'secret', id: `${name.team}/${name.name}` },
        team: name.team,
        outcome: 'allowed',
        request: caller.requestId,
        // Never of the value: a digest of something that can be guessed tells it.
        ...(secret.lastNumber === 0 ? {} : { before: digestOf({ secret: secret.id, version: secret.lastNumber }) }),
        after: digestOf({ secret: secret.id, version: number }),
        ctx: { secret: secret.id, version: number },
      });
    });
  } catch (error) {
    // There is no such team.
    if (error instanceof MusterError && error.code === 'reference_violation') throw secretNotFound(name);
    throw error;
  } finally {
    value.fill(0);
  }
  parts.announce();
  return await showSecret(parts, caller, name);
}

function valueIn({ value, base64 }: SetSecret): { readonly value: Buffer; readonly kind: Secret['kind'] } {
  const place = base64 === undefined ? 'body.value' : 'body.base64';
  const bytes = base64 === undefined ? Buffer.from(value ?? '', 'utf8') : Buffer.from(base64, 'base64');
  if (bytes.length < minSecretBytes || bytes.length > maxSecretBytes)
    throw new MusterError(
      'invalid_request',
      `a secret has ${minSecretBytes} to ${maxSecretBytes} bytes, and this has ${bytes.length}`,
      {
        place,
        remedy:
          bytes.length < minSecretBytes
            ? 'A shorter value could not be masked where it is printed; give it to the model in another way.'
            : 'Keep what is larger elsewhere, and the key to it here.',
      },
    );
  return { value: bytes, kind: isUtf8(bytes) && !bytes.includes(0) ? 'text' : 'binary' };
}
