import { setImmediate as nextTurn } from 'node:timers/promises';
import type { EntryToCheck } from './check-entry.ts';
import { type Claim, type NoteSource, readClaims } from './claim.ts';
import type { VerificationReport, VerifyOptions } from './contract.ts';
import { type ChangedRange, judge } from './judge.ts';
import { keptLeaf } from './kept-notes.ts';
import { hashBytes, leafOf } from './merkle-tree.ts';
import { Verification } from './verification.ts';

/** What is verified: the ledger's tables, or a copy of them. */
export interface LedgerCopy {
  readonly origin: string;
  /** Verifier lines, oldest first. */
  readonly keys: readonly string[];
  /** How many entries there seem to be, for the progress. */
  readonly entries: number;
  /** Entries in the order of their numbers. */
  rows(from: number): AsyncIterable<readonly EntryToCheck[]>;
  /** The hashes of a tile, where there is one. */
  tile(level: number, index: number): Promise<Uint8Array | undefined>;
}

const levelsInTile = 8;
const tileWidth = 256;

/** Checks the entries against themselves, the tiles and every checkpoint; names the first entry that is wrong. */
export async function verifyCopy(
  copy: LedgerCopy,
  sources: readonly NoteSource[],
  options: Pick<VerifyOptions, 'signal' | 'onProgress'> & { readonly unreadable?: readonly string[] } = {},
): Promise<VerificationReport> {
  const found = readClaims(sources, copy.origin);
  const read = { ...found, unreadable: [...(options.unreadable ?? []), ...found.unreadable] };
  const verification = new Verification(read.claims);
  let done = 0;
  for await (const batch of copy.rows(0)) {
    options.signal?.throwIfAborted();
    for (const row of batch) verification.add(row);
    await compareTiles(copy, verification);
    done += batch.length;
    options.onProgress?.(done, Math.max(done, copy.entries));
    await nextTurn();
  }
  const judgement = judge(verification, read, copy.keys);
  const { changed } = judgement;
  return judgement.report(changed === undefined ? undefined : await locate(copy, read.claims, changed));
}

/** A tile is made of what the entries were when a checkpoint was made: where it differs, the entry was changed since. */
async function compareTiles(copy: LedgerCopy, verification: Verification): Promise<void> {
  let known: readonly [level: number, index: number] = [-1, -1];
  let tile: Uint8Array | undefined;
  for (const { level, index, hash, seq } of verification.takeNodes()) {
    const [tileLevel, tileIndex] = [level / levelsInTile, Math.floor(index / tileWidth)];
    if (known[0] !== tileLevel || known[1] !== tileIndex) {
      known = [tileLevel, tileIndex];
      tile = await copy.tile(tileLevel, tileIndex);
    }
    const at = (index % tileWidth) * hashBytes;
    if (tile === undefined || tile.byteLength < at + hashBytes) continue;
    if (Buffer.compare(tile.subarray(at, at + hashBytes), hash) === 0) continue;
    if (level === 0) verification.isBad(seq, `entry ${seq} is not the one that is in the tree`);
    else verification.isBad(null, `the tree does not fit the entries ${seq} to ${seq + 2 ** level - 1}`);
  }
}

/** The first entry in the range whose leaf is not the one that was kept outside; undefined where none was kept of it. */
async function locate(
  copy: LedgerCopy,
  claims: readonly Claim[],
  { from, to }: ChangedRange,
): Promise<number | undefined> {
  // The newest first: after a restore they are those of the history that counts.
  const kept = claims
    .filter(({ isOutside }) => isOutside)
    .flatMap(({ leaves }) => leaves)
    .filter((leaves) => leaves.from < to && keptLeaf(leaves, Math.max(from, leaves.from)) !== undefined)
    .toReversed();
  for await (const batch of copy.rows(from)) {
    for (const { seq, body } of batch) {
      if (seq >= to) return undefined;
      const leaves = kept.find((one) => keptLeaf(one, seq) !== undefined);
      const leaf = leaves === undefined ? undefined : keptLeaf(leaves, seq);
      if (leaf !== undefined && Buffer.compare(leaf, leafOf(body)) !== 0) return seq;
    }
  }
  return undefined;
}
