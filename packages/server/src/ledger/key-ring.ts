import { type KeyObject, createPublicKey } from 'node:crypto';
import type { Clock } from '../platform/clock/index.ts';
import type { Database } from '../platform/database/index.ts';
import type { CheckpointStore } from './checkpoint-store.ts';
import type { Ledger } from './entry.ts';
import { verifierLineOf } from './signed-note.ts';
import type { SigningKeyFiles } from './signing-key.ts';

export interface KeyRingParts {
  readonly database: Database;
  readonly ledger: Ledger;
  readonly store: CheckpointStore;
  readonly files: SigningKeyFiles;
  readonly clock: Clock;
  origin(): Promise<string>;
}

/**
 * The key that signs, and how it is changed: the entry that introduces a key is covered by a checkpoint of the key before
 * it, so that a chain leads from the first key to the newest. The private key is in a file, the public ones are in the
 * database; whichever of the two a crash or a restore left behind, `ready` brings them together again.
 */
export class KeyRing {
  readonly #parts: KeyRingParts;

  constructor(parts: KeyRingParts) {
    this.#parts = parts;
  }

  /** The key to sign with, introduced in the ledger. `checkpoint` makes one with the key it is given. */
  async ready(checkpoint: (key: KeyObject) => Promise<unknown>): Promise<KeyObject> {
    const { files } = this.#parts;
    const current = await files.current();
    await this.#introduce(current);
    const next = await files.next();
    if (next === undefined) return current;
    if (!(await this.#isKnown(next))) {
      // The change ended before the ledger heard of it.
      await files.dropNext();
      return current;
    }
    return await this.#finish(current, next, checkpoint);
  }

  /** Changes the key. */
  async rotate(checkpoint: (key: KeyObject) => Promise<unknown>): Promise<KeyObject> {
    const current = await this.ready(checkpoint);
    const next = await this.#parts.files.makeNext();
    await this.#introduce(next);
    return await this.#finish(current, next, checkpoint);
  }

  /** The old key signs that the new one follows, and only then the new one takes its place. */
  async #finish(
    current: KeyObject,
    next: KeyObject,
    checkpoint: (key: KeyObject) => Promise<unknown>,
  ): Promise<KeyObject> {
    await checkpoint(current);
    await this.#parts.files.useNext();
    return next;
  }

  async #isKnown(key: KeyObject): Promise<boolean> {
    const line = await this.#lineOf(key);
    return (await this.#parts.store.keys()).some(({ verifier }) => verifier === line);
  }

  async #introduce(key: KeyObject): Promise<void> {
    if (await this.#isKnown(key)) return;
    const { database, ledger, store, clock } = this.#parts;
    const origin = await this.#parts.origin();
    const verifier = await this.#lineOf(key);
    await database.inTransaction(async (tx) => {
      const seq = await ledger.append(tx, {
        actor: { kind: 'system', id: 'ledger' },
        action: 'system.ledger-key',
        subject: { kind: 'ledger', id: origin },
        team: null,
        outcome: 'allowed',
        request: 'system',
        ctx: { key: verifier },
      });
      await store.addKey(tx, { verifier, seq, at: clock.now() });
    });
  }

  async #lineOf(key: KeyObject): Promise<string> {
    return verifierLineOf(await this.#parts.origin(), createPublicKey(key));
  }
}
