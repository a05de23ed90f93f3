import { MusterError, type Operation, secretReference } from '@muster-ml/protocol';
import { type Caller, ledgerActor } from '../identity/index.ts';
import type { OperationHandle } from '../platform/operations/index.ts';
import { opensCanary, sealCanary } from './check-key.ts';
import { type SecretParts, unreadable } from './parts.ts';
import { type EncryptionKey, type WrappedKey, rewrap } from './seal.ts';
import { placeOf } from './secret.ts';
import type { WrappedVersion } from './store.ts';

/** Data keys that are wrapped in one transaction. */
const atOnce = 100;

/** Notes that the key is to be replaced. Throws `not_allowed`. Whoever calls carries the operation out: `carryOutRotation`. */
export async function startRotation(parts: SecretParts, caller: Caller): Promise<Operation> {
  const { database, identity, operations, ledger } = parts;
  identity.authorize(caller, 'secret.rotate', { kind: 'installation', id: 'secrets' });
  return await database.inTransaction(async (tx) => {
    const operation = await operations.create(tx, {
      kind: 'rotate-key',
      subject: 'installation/secrets',
      team: null,
      createdBy: caller.actor.id,
      input: {},
      progress: 'making a new key',
    });
    await ledger.append(tx, {
      actor: ledgerActor(caller),
      action: 'secret.rotate',
      subject: { kind: 'installation', id: 'secrets' },
      team: null,
      outcome: 'allowed',
      request: caller.requestId,
      ctx: { operation: operation.id },
    });
    return operation;
  });
}

/**
 * Wraps every data key with a new key, and touches no value. It can be ended at any moment and begun again: what is wrapped
 * with an older key is brought to the active one first, and one that is resumed does no more than that. Older keys stay in
 * the ring, so that what is not wrapped anew yet still opens, and backups do.
 *
 * Throws `secret_key_read_only` where a new key cannot be written and there was nothing to bring up, and
 * `secret_unreadable` for what did not open, after all the others were wrapped.
 */
export async function carryOutRotation(
  parts: SecretParts,
  handle: RotationHandle,
  isResumed: boolean,
): Promise<Readonly<Record<string, unknown>>> {
  const { keyring } = parts;
  const current = await keyring.activeOrFirst();
  if (await isBehind(parts, current)) {
    const wrapped = await wrapAll(parts, current, handle);
    if (isResumed) return { key: current.id, wrapped };
    try {
      const key = await keyring.renew();
      return { key: key.id, wrapped: await wrapAll(parts, key, handle) };
    } catch (error) {
      // Whoever keeps the key elsewhere has put a new one there, and now it is the only one in use.
      if (error instanceof MusterError && error.code === 'secret_key_read_only') return { key: current.id, wrapped };
      throw error;
    }
  }
  const key = await keyring.renew();
  return { key: key.id, wrapped: await wrapAll(parts, key, handle) };
}

type RotationHandle = Pick<OperationHandle, 'signal' | 'progress'>;

/** Whether a rotation was begun and not finished. */
async function isBehind({ database, store }: SecretParts, { id }: EncryptionKey): Promise<boolean> {
  const canary = await store.canary(database.reader);
  if (canary !== undefined && canary.kekId !== id) return true;
  return (await store.wrappedOtherwise(database.reader, id, { after: undefined, limit: 1 })).length > 0;
}

/** Wraps what is wrapped with other keys, the canary last; answers how many. Throws `secret_unreadable`. */
async function wrapAll(parts: SecretParts, key: EncryptionKey, handle: RotationHandle): Promise<number> {
  const { database, store, keyring } = parts;
  const failed: WrappedVersion[] = [];
  let wrapped = 0;
  let after: readonly [string, number] | undefined;
  for (;;) {
    handle.signal.throwIfAborted();
    const versions = await store.wrappedOtherwise(database.reader, key.id, { after, limit: atOnce });
    const last = versions.at(-1);
    if (last === undefined) break;
    after = [last.secret.id, last.number];
    const anew: (readonly [WrappedVersion, WrappedKey])[] = [];
    for (const version of versions) {
      const from = await keyring.find(version.kekId);
      const result = from === undefined ? undefined : tryRewrap(from, key, version);
      if (result === undefined) failed.push(version);
      else anew.push([version, result]);
    }
    await database.inTransaction(async (tx) => {
      for (const [before, result] of anew) await store.putWrapped(tx, before, result);
    });
    wrapped += anew.length;
    handle.progress(`wrapped the keys of ${wrapped} secrets anew, the last that of ${secretReference(last.secret)}`);
  }
  await wrapCanary(parts, key);
  const [first] = failed;
  if (first === undefined) return wrapped;
  const others = failed.length > 1 ? `, as do ${failed.length - 1} more` : '';
  throw unreadable(
    first.secret,
    first.number,
    `it stays under the key ${first.kekId}${others}, and ${wrapped} others were wrapped anew`,
  );
}

function tryRewrap(from: EncryptionKey, to: EncryptionKey, version: WrappedVersion): WrappedKey | undefined {
  try {
    return rewrap(from, to, placeOf(version.secret, version.number), version);
  } catch {
    return undefined;
  }
}

/** Last, and only where the old key opens it: a canary that was tampered with keeps stopping the next start. */
async function wrapCanary({ database, store, keyring }: SecretParts, key: EncryptionKey): Promise<void> {
  const canary = await store.canary(database.reader);
  if (canary === undefined || canary.kekId === key.id) return;
  const from = await keyring.find(canary.kekId);
  if (from === undefined || !opensCanary(from, canary)) return;
  await database.inTransaction(async (tx) => await store.putCanary(tx, sealCanary(key)));
}
