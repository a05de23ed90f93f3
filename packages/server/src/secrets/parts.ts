import { MusterError, type SecretName, secretReference } from '@muster-ml/protocol';
import type { Identity } from '../identity/index.ts';
import type { Ledger } from '../ledger/index.ts';
import type { Clock, NewId } from '../platform/clock/index.ts';
import type { Database } from '../platform/database/index.ts';
import type { Operations } from '../platform/operations/index.ts';
import type { Kysely } from 'kysely';
import type { Keyring } from './keyring.ts';
import { open } from './seal.ts';
import { type SealedVersion, type SecretRecord, type SecretUser, placeOf } from './secret.ts';
import type { SecretStore } from './store.ts';

/** What the use cases of this room work with. */
export interface SecretParts {
  readonly database: Database;
  readonly store: SecretStore;
  readonly keyring: Keyring;
  readonly identity: Pick<Identity, 'authorize' | 'may' | 'scope'>;
  readonly ledger: Ledger;
  readonly operations: Operations;
  /** Deployments that refer to these secrets; they belong to another room, which uses this one. */
  readonly usersOf: UsersOf;
  /** Tells those who hold values that they may have changed. */
  readonly announce: () => void;
  readonly clock: Clock;
  readonly newId: NewId;
}

export type UsersOf = (db: Kysely<unknown>, references: readonly string[]) => Promise<readonly SecretUser[]>;

/** Opens the newest value. Throws `secret_unreadable`, whose cause says no more than that it failed. */
export async function openVersion(
  keyring: Keyring,
  secret: SecretRecord,
  { number, sealed }: SealedVersion,
): Promise<Buffer> {
  const key = await keyring.find(sealed.kekId);
  if (key === undefined)
    throw unreadable(secret, number, `the key ${sealed.kekId}, which it is wrapped with, is not here`);
  try {
    return open(key, placeOf(secret, number), sealed);
  } catch (error) {
    throw unreadable(secret, number, 'it was changed, or belongs to another secret', error);
  }
}

export function unreadable(name: SecretName, number: number, why: string, cause?: unknown): MusterError {
  return new MusterError('secret_unreadable', `version ${number} of ${secretReference(name)} does not open: ${why}`, {
    cause,
  });
}
