import type { KeyObject } from 'node:crypto';
import { MusterError } from '@muster-ml/protocol';
import type { CheckpointStore } from './checkpoint-store.ts';
import type { Continuity } from './continuity.ts';
import type { Checkpoint } from './contract.ts';
import { restoreIn } from './restores.ts';
import { parseNote, signCheckpoint } from './signed-note.ts';
import type { ToPublish } from './sink.ts';
import type { TreeStore } from './tree-store.ts';

const leavesInRead = 5000;

export interface CheckpointParts {
  readonly store: CheckpointStore;
  readonly tree: TreeStore;
  readonly continuity: Continuity;
  readonly now: () => number;
  origin(): Promise<string>;
  /** Id of the restore that the data directory orders; undefined where there is none. */
  ordered(): Promise<string | undefined>;
}

/**
 * Makes a checkpoint of all entries, if there are more than the newest covers, and answers the newest; undefined for an
 * empty ledger. Publishes nothing. Throws `ledger_contradicted` where the entries do not continue what was signed before.
 */
export async function makeCheckpoint(parts: CheckpointParts, key: KeyObject): Promise<Checkpoint | undefined> {
  const { store, tree, continuity } = parts;
  const size = await store.size();
  const [newest] = await store.list(1);
  if (newest !== undefined && newest.size > size) {
    throw new MusterError(
      'ledger_contradicted',
      `the ledger has ${size} entries, and its newest checkpoint ${newest.size}: the last ones are gone`,
    );
  }
  const head = await tree.growTo(size);
  const ordered = await parts.ordered();
  await continuity.check(head, ordered);
  if (head.size === 0 || newest?.size === head.size) return newest;
  const text = { origin: await parts.origin(), size: head.size, root: head.root, restored: head.restored };
  const made = await store.add({ size: head.size, note: signCheckpoint(text, key), at: parts.now() });
  const kept = parseNote(made.note);
  if (kept === undefined || Buffer.compare(kept.root, head.root) !== 0) {
    throw new MusterError('ledger_contradicted', `the database has another checkpoint of ${head.size} entries`);
  }
  continuity.sign(text);
  return made;
}

/** What sinks are given of a checkpoint. */
export async function toPublish(store: CheckpointStore, { size, note }: Checkpoint): Promise<ToPublish> {
  const restored = parseNote(note)?.restored ?? '';
  const restores = (await store.restoredBodies()).map(({ seq, at, body }) =>
    restoreIn(seq, at, JSON.parse(body) as object),
  );
  return {
    size,
    note,
    restored,
    restoredSeq: restores.find((restore) => restore?.id === restored)?.seq ?? 0,
    async leaves(from) {
      const leaves: Uint8Array[] = [];
      for (let at = from; at < size; at += leavesInRead) {
        leaves.push(...(await store.leaves(at, Math.min(size, at + leavesInRead))));
      }
      return leaves;
    },
  };
}
