import { type EntryToCheck, checkEntry } from './check-entry.ts';
import type { Claim } from './claim.ts';
import { Frontier } from './merkle-tree.ts';
import { type Restore, restoreIn } from './restores.ts';

/** A node that a kept tile must hold, too. */
export interface NodeToCompare {
  readonly level: number;
  readonly index: number;
  readonly hash: Uint8Array;
  /** The first entry below it. */
  readonly seq: number;
}

const maxFindings = 100;
const levelsInTile = 8;

/**
 * The entries, one after the other, against themselves and against the roots that checkpoints claim. It keeps the right
 * edge of the tree and what it found, so that a ledger of any length is checked in little memory.
 */
export class Verification {
  readonly findings: string[] = [];
  readonly restores: Restore[] = [];
  /** Verifier lines by the number of the entry that introduced them. */
  readonly keys = new Map<string, number>();
  firstBad: number | null = null;
  readonly #frontier = new Frontier();
  readonly #bySize: readonly Claim[];
  #nextClaim = 0;
  #next = 0;
  #previousAt = 0;
  #isBroken = false;
  #nodes: NodeToCompare[] = [];
  readonly #onNode = (level: number, index: number, hash: Uint8Array): void => {
    if (level % levelsInTile === 0) this.#nodes.push({ level, index, hash, seq: index * 2 ** level });
  };

  constructor(claims: readonly Claim[]) {
    this.#bySize = claims.toSorted((a, b) => a.note.size - b.note.size);
    this.#compareRoots();
  }

  /** Entries that were read, were they without a gap. */
  get size(): number {
    return this.#next;
  }

  add(row: EntryToCheck): void {
    this.#checkNumber(row.seq);
    const { leaf, body, at, problem } = checkEntry(row, this.#previousAt);
    if (problem !== undefined) this.isBad(row.seq, `entry ${row.seq} ${problem}`);
    this.#previousAt = at;
    if (body.action === 'system.restored') this.#addRestore(row.seq, restoreIn(row.seq, at, body));
    if (body.action === 'system.ledger-key' && typeof body.ctx?.['key'] === 'string') {
      if (!this.keys.has(body.ctx['key'])) this.keys.set(body.ctx['key'], row.seq);
    }
    if (this.#isBroken) return;
    this.#frontier.add(leaf, this.#onNode);
    this.#compareRoots();
  }

  /** The nodes since the last call that tiles must hold. */
  takeNodes(): readonly NodeToCompare[] {
    const nodes = this.#nodes;
    this.#nodes = [];
    return nodes;
  }

  /** Notes that something is wrong, with an entry where one is known. */
  isBad(seq: number | null, sentence: string): void {
    if (seq !== null) this.firstBad = Math.min(this.firstBad ?? seq, seq);
    if (this.findings.length < maxFindings) this.findings.push(sentence);
  }

  #checkNumber(seq: number): void {
    if (seq > this.#next) {
      const last = seq - 1;
      this.isBad(
        this.#next,
        last === this.#next ? `entry ${last} is missing` : `the entries ${this.#next} to ${last} are missing`,
      );
    } else if (seq < this.#next) this.isBad(seq, `entry ${seq} stands where entry ${this.#next} belongs`);
    if (seq !== this.#next) this.#isBroken = true;
    this.#next = Math.max(this.#next, seq + 1);
  }

  #addRestore(seq: number, restore: Restore | undefined): void {
    if (restore === undefined || this.restores.some(({ id }) => id === restore.id)) {
      this.isBad(seq, `entry ${seq} says that the ledger was restored, and not to what`);
    } else this.restores.push(restore);
  }

  #compareRoots(): void {
    let claim = this.#bySize[this.#nextClaim];
    if (claim === undefined || claim.note.size > this.#frontier.size) return;
    const root = Buffer.from(this.#frontier.root());
    for (; claim?.note.size === this.#frontier.size; claim = this.#bySize[++this.#nextClaim]) {
      claim.state = root.equals(claim.note.root) ? 'matches' : 'differs';
    }
  }

  /** To be called after the last entry: claims above what could be compared. */
  end(): void {
    for (const claim of this.#bySize.slice(this.#nextClaim)) {
      claim.state = claim.note.size > this.#next ? 'beyond' : 'unknown';
    }
  }
}
