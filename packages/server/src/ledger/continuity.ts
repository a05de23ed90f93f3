import { MusterError } from '@muster-ml/protocol';
import type { CheckpointStore } from './checkpoint-store.ts';
import { parseKeptNotes } from './kept-notes.ts';
import { type CheckpointText, parseNote, parseVerifierLine, signersOf } from './signed-note.ts';
import type { CheckpointSink } from './sink.ts';
import type { TreeHead, TreeStore } from './tree-store.ts';

/**
 * What was signed before, from where the database cannot reach: from memory, and at the start from the sinks. Only what
 * continues it is signed, so that whoever changes the database does not get a signature for it.
 */
export class Continuity {
  readonly #store: CheckpointStore;
  readonly #tree: TreeStore;
  #signed: readonly CheckpointText[] = [];

  constructor(store: CheckpointStore, tree: TreeStore) {
    this.#store = store;
    this.#tree = tree;
  }

  /** The newest checkpoints that are known outside, one a sink. */
  get signed(): readonly CheckpointText[] {
    return this.#signed;
  }

  /** Reads what the sinks have. `onError` is told of one that cannot be read; the others count. */
  async readFrom(sinks: readonly CheckpointSink[], origin: string, onError: (error: unknown) => void): Promise<void> {
    const keys = (await this.#store.keys()).flatMap(({ verifier }) => parseVerifierLine(verifier) ?? []);
    const newest: CheckpointText[] = [];
    for (const { read } of sinks) {
      try {
        const { kept } = parseKeptNotes((await read?.()) ?? '');
        const notes = kept.map(({ note }) => parseNote(note));
        // A note by a key that is gone from the database counts too: it is the database that may be wrong.
        const last = notes.findLast(
          (note) => note?.origin === origin && (signersOf(note, keys).length > 0 || !isOfKnownKey(note, keys)),
        );
        if (last !== undefined) newest.push(last);
      } catch (error) {
        onError(error);
      }
    }
    this.#signed = newest;
  }

  sign(checkpoint: CheckpointText): void {
    this.#signed = [checkpoint];
  }

  /** Throws `ledger_contradicted` where the tree does not continue what was signed. `ordered` is the restore of an order. */
  async check(head: TreeHead, ordered: string | undefined): Promise<void> {
    for (const signed of this.#signed) {
      if (signed.restored === head.restored) await this.#checkPrefix(signed, head);
      else if (head.restored !== ordered) {
        throw new MusterError(
          'ledger_contradicted',
          head.restored === ''
            ? `a checkpoint outside is of a ledger that was restored, and this one was not`
            : `the ledger says that it was restored, and the data directory does not`,
        );
      }
    }
  }

  async #checkPrefix(signed: CheckpointText, head: TreeHead): Promise<void> {
    if (signed.size > head.size) {
      throw new MusterError(
        'ledger_contradicted',
        `the ledger has ${head.size} entries, and a checkpoint outside has ${signed.size}: the last ones are gone`,
      );
    }
    const root = await this.#tree.rootAt(signed.size);
    if (root !== undefined && Buffer.compare(root, signed.root) === 0) return;
    throw new MusterError(
      'ledger_contradicted',
      `the first ${signed.size} entries are not those of the checkpoint that was signed of them`,
    );
  }
}

function isOfKnownKey(
  note: { readonly signatures: readonly { readonly keyId: string }[] },
  keys: readonly { readonly keyId: string }[],
): boolean {
  return note.signatures.some(({ keyId }) => keys.some((key) => key.keyId === keyId));
}
