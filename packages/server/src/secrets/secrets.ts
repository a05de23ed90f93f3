import type { Operation, Page, PageQuery, Secret, SecretName, SecretVariables, SetSecret } from '@muster-ml/protocol';
import type { Caller } from '../identity/index.ts';
import type { Tx } from '../platform/database/index.ts';
import { checkKey } from './check-key.ts';
import { deleteSecret } from './delete-secret.ts';
import { createKeyring } from './keyring.ts';
import type { SecretParts } from './parts.ts';
import { getSecret, listSecrets } from './read-secrets.ts';
import { carryOutRotation, startRotation } from './rotate-key.ts';
import { setSecret } from './set-secret.ts';
import { secretStore } from './store.ts';
import { type SecretValues, type ValueUser, authorizeUse, holdSecrets, secretValues } from './use-secrets.ts';

/** What rooms that hand secrets to models use. What each throws is said where it is written. */
export interface SecretUses {
  authorizeUse(caller: Caller, variables: SecretVariables): Promise<void>;
  hold(tx: Tx, variables: SecretVariables): Promise<void>;
  values(user: ValueUser, variables: SecretVariables): Promise<SecretValues>;
  /** Calls back whenever values may have changed; the answer ends it. */
  onChange(callback: () => void): () => void;
}

/** Secrets: written, listed, used, never read. */
export interface Secrets extends SecretUses {
  set(caller: Caller, name: SecretName, wish: SetSecret): Promise<Secret>;
  get(caller: Caller, name: SecretName): Promise<Secret>;
  list(caller: Caller, query: PageQuery): Promise<Page<Secret>>;
  delete(caller: Caller, name: SecretName, force: string | undefined): Promise<void>;
  rotateKey(caller: Caller): Promise<Operation>;
  /** Sees that the key is here, and goes on with a rotation that was interrupted. */
  start(): Promise<void>;
}

export interface SecretsParts extends Omit<SecretParts, 'store' | 'keyring' | 'announce'> {
  /** File of the active key; older ones lie beside it. */
  readonly keyFile: string;
  /** Gives up the values whose key is lost, in place of refusing to start. */
  readonly forgetLost: boolean;
}

/** Puts the room together; nothing is read or made before `start`. */
export function createSecrets(given: SecretsParts): Secrets {
  const watchers = new Set<() => void>();
  const parts: SecretParts = {
    ...given,
    store: secretStore,
    keyring: createKeyring(given.keyFile),
    announce: () => {
      for (const watcher of watchers) watcher();
    },
  };
  // One after the other: the second would find the first half done and take it for one that was interrupted.
  let rotating: Promise<unknown> = Promise.resolve();
  const run = (operation: string, isResumed: boolean): void => {
    parts.operations.run(operation, async (handle) => {
      const turn = rotating.then(async () => await carryOutRotation(parts, handle, isResumed));
      rotating = turn.catch(() => {});
      return await turn;
    });
  };

  return {
    set: async (caller, name, wish) => await setSecret(parts, caller, name, wish),
    get: async (caller, name) => await getSecret(parts, caller, name),
    list: async (caller, query) => await listSecrets(parts, caller, query),
    delete: async (caller, name, force) => await deleteSecret(parts, caller, name, force),
    async rotateKey(caller) {
      const operation = await startRotation(parts, caller);
      run(operation.id, false);
      return operation;
    },
    async start() {
      await checkKey(parts, given.forgetLost);
      for (const { operation } of await parts.operations.interrupted('rotate-key')) run(operation.id, true);
    },
    authorizeUse: async (caller, variables) => await authorizeUse(parts, caller, variables),
    hold: async (tx, variables) => await holdSecrets(parts, tx, variables),
    values: async (user, variables) => await secretValues(parts, user, variables),
    onChange(callback) {
      watchers.add(callback);
      return () => watchers.delete(callback);
    },
  };
}
