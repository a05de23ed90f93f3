import { MusterError } from '@muster-ml/protocol';
import type { SecretParts } from './parts.ts';
import { type EncryptionKey, type SealPlace, type SealedValue, open, seal } from './seal.ts';

/** Something known, by which a start finds out that it has the key of this database. */
const canaryText = Buffer.from('muster');
const canaryPlace: SealPlace = { team: '', id: 'canary', version: 0 };

/** Something known under a key. */
export function sealCanary(key: EncryptionKey): SealedValue {
  return seal(key, canaryPlace, canaryText);
}

/** Whether the key opens it. */
export function opensCanary(key: EncryptionKey, canary: SealedValue): boolean {
  try {
    return open(key, canaryPlace, canary).equals(canaryText);
  } catch {
    return false;
  }
}

/**
 * Sees at the start that the key which the database's secrets are kept under is here, and makes the first one. Where the
 * key is lost and no value is kept, as in what was restored without it, nothing is lost and a new key takes its place.
 *
 * Throws `secret_key_missing`, `secret_key_wrong` unless `forgetLost`: then every value is destroyed, because nobody can
 * ever read it again, and the secrets wait to be set anew. Throws `secret_key_invalid` in any case.
 */
export async function checkKey(parts: SecretParts, forgetLost: boolean): Promise<void> {
  const { database, store, keyring } = parts;
  const known = await store.canary(database.reader);
  if (known === undefined) {
    const key = await keyring.activeOrFirst();
    await database.inTransaction(async (tx) => await store.addCanary(tx, sealCanary(key)));
  }
  // Read again: of two that start at the same time with keys of their own, one is wrong.
  const canary = known ?? (await store.canary(database.reader));
  if (canary === undefined) throw new MusterError('internal_error', 'the canary of the secrets was not stored');
  const key = await keyring.find(canary.kekId);
  if (key !== undefined && opensCanary(key, canary)) return;
  if ((await store.countValues(database.reader)) > 0 && !forgetLost) throw await lostKey(parts, canary);
  await startAnew(parts);
}

async function startAnew({ database, store, keyring, ledger }: SecretParts): Promise<void> {
  const fresh = await keyring.activeOrFirst();
  await database.inTransaction(async (tx) => {
    const lost = await store.countValues(tx);
    await store.forgetValues(tx);
    await store.putCanary(tx, sealCanary(fresh));
    await ledger.append(tx, {
      actor: { kind: 'system', id: 'control' },
      action: 'system.secret-key-lost',
      subject: { kind: 'installation', id: 'secrets' },
      team: null,
      outcome: 'allowed',
      request: 'start',
      ctx: { key: fresh.id, valuesLost: lost },
    });
  });
}

async function lostKey({ keyring }: SecretParts, { kekId }: SealedValue): Promise<MusterError> {
  const active = await keyring.active();
  return active === undefined
    ? new MusterError('secret_key_missing', `there is no key file; the secrets are kept under the key ${kekId}`, {
        place: 'secrets.keyFile',
      })
    : new MusterError(
        'secret_key_wrong',
        `the key file holds the key ${active.id}; the secrets are kept under ${kekId}, which is not here or does not fit`,
        { place: 'secrets.keyFile' },
      );
}
