import type { BodyFacts } from './check-entry.ts';
import type { Claim } from './claim.ts';

/*
 * A restore puts an older ledger in the place of a longer one. Checkpoints that were published of the longer one then
 * contradict what is there, as they do after a tampering. What tells the two apart:
 *
 * - The first entry after a restore is `system.restored`, with an id of its own, and every checkpoint from there on
 *   carries that id in its signed text: a checkpoint belongs to one history and not to another.
 * - A checkpoint outside that contradicts is excused only if it belongs to a history that a restore has ended, and is
 *   beyond its end, and a checkpoint of the new history is outside too. So whoever holds the database, and even the
 *   signing key, but not what is kept outside, cannot make a tampering look like a restore.
 * - The server signs nothing that does not continue what it signed before, except after a restore of which the data
 *   directory, not the database, holds the order.
 * - Verification names each restore, and how many entries it lost, whatever else it says.
 */

/** A `system.restored` entry. */
export interface Restore {
  readonly seq: number;
  readonly id: string;
  /** Milliseconds since the epoch. */
  readonly at: number;
  /** Entries that the ledger had before, as far as was known at the restore. */
  readonly sizeBefore: number;
  /** Ids of the histories whose checkpoints were known and which it ended. */
  readonly ended: readonly string[];
}

/** Reads a `system.restored` entry; undefined where it has no id. */
export function restoreIn(seq: number, at: number, body: BodyFacts): Restore | undefined {
  const { restored, sizeBefore, ended } = body.ctx ?? {};
  if (typeof restored !== 'string' || !/^\S{1,100}$/.test(restored)) return undefined;
  return {
    seq,
    at,
    id: restored,
    sizeBefore: typeof sizeBefore === 'number' ? sizeBefore : seq,
    ended: Array.isArray(ended) ? ended.filter((id) => typeof id === 'string') : [],
  };
}

/** The id that a checkpoint of `size` entries carries. */
export function restoredAt(restores: readonly Restore[], size: number): string {
  return restores.findLast(({ seq }) => seq < size)?.id ?? '';
}

/** The restore that explains why a claim does not match; undefined where none does, and then it is a tampering. */
export function excuseOf(claim: Claim, claims: readonly Claim[], restores: readonly Restore[]): Restore | undefined {
  const { size, restored } = claim.note;
  if (restoredAt(restores, size) === restored) return undefined;
  const known = restores.findIndex(({ id }) => id === restored);
  const end =
    restored === '' || known !== -1
      ? restores[known + 1]
      : restores.find(({ ended, seq }) => ended.includes(restored) && seq < size);
  return end !== undefined && end.seq < size && isAnchored(end, claims, restores) ? end : undefined;
}

/** Whether a checkpoint kept outside is of the history that a restore began, or of a later one. */
export function isAnchored(restore: Restore, claims: readonly Claim[], restores: readonly Restore[]): boolean {
  const later = new Set(restores.filter(({ seq }) => seq >= restore.seq).map(({ id }) => id));
  return claims.some(
    ({ isOutside, state, note }) =>
      isOutside && state === 'matches' && note.size > restore.seq && later.has(note.restored),
  );
}
