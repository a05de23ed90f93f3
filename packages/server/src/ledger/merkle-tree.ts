import { hash } from 'node:crypto';

/*
 * The Merkle tree of RFC 6962 and 9162, over the bodies of the entries: a leaf is SHA-256(0x00 || body), a node is
 * SHA-256(0x01 || left || right), and a tree of n leaves is split at the largest power of two below n. Whoever knows
 * the root knows all entries; a path of log2(n) hashes shows that an entry is among them.
 */

export const hashBytes = 32;

/** Bytes by way of a string: Node makes a buffer of its own for each digest otherwise, which takes twice as long. */
function sha256(data: string | Uint8Array): Uint8Array {
  return Buffer.from(hash('sha256', data, 'binary'), 'latin1');
}

/** Root of the tree without entries: SHA-256 of nothing. */
export const emptyRoot: Uint8Array = sha256('');

/** What a leaf is hashed from, reused: its first byte is 0. */
const leafInput = Buffer.alloc(8192);
const maxBytesPerChar = 3;

/** Hash of an entry: SHA-256 of a zero byte and the body. */
export function leafOf(body: string): Uint8Array {
  if (body.length * maxBytesPerChar >= leafInput.byteLength) return sha256(`\0${body}`);
  return sha256(leafInput.subarray(0, 1 + leafInput.write(body, 1)));
}

/** What a node is hashed from, reused: a tree is built of a million of these, one after the other. */
const nodeInput = new Uint8Array(1 + 2 * hashBytes);
nodeInput[0] = 1;

/** Hash of two subtrees side by side. */
export function nodeOf(left: Uint8Array, right: Uint8Array): Uint8Array {
  nodeInput.set(left, 1);
  nodeInput.set(right, 1 + hashBytes);
  return sha256(nodeInput);
}

/**
 * The right edge of a growing tree: the roots of its full subtrees, largest first, one for each bit of its size. That is
 * all it takes to add leaves and to know the root.
 */
export class Frontier {
  #size: number;
  readonly #roots: Uint8Array[];

  constructor(size = 0, roots: readonly Uint8Array[] = []) {
    if (roots.length !== bitsSet(size)) throw new RangeError(`a tree of ${size} leaves has ${bitsSet(size)} edges`);
    this.#size = size;
    this.#roots = [...roots];
  }

  get size(): number {
    return this.#size;
  }

  /** Adds a leaf on the right. `onNode` is told of each subtree that is full now: its level (0 = leaf), index and hash. */
  add(leaf: Uint8Array, onNode?: (level: number, index: number, hash: Uint8Array) => void): void {
    let node = leaf;
    let index = this.#size;
    onNode?.(0, index, node);
    for (let level = 1; index % 2 === 1; level++) {
      node = nodeOf(this.#roots.pop() ?? emptyRoot, node);
      index = (index - 1) / 2;
      onNode?.(level, index, node);
    }
    this.#roots.push(node);
    this.#size++;
  }

  root(): Uint8Array {
    return this.#roots.length === 0 ? emptyRoot : this.#roots.reduceRight((right, left) => nodeOf(left, right));
  }

  /** The hashes one after the other, as they are kept. */
  toBytes(): Uint8Array {
    return Buffer.concat(this.#roots);
  }

  static fromBytes(size: number, bytes: Uint8Array): Frontier {
    const roots = Array.from({ length: bytes.byteLength / hashBytes }, (_, index) =>
      bytes.subarray(index * hashBytes, (index + 1) * hashBytes),
    );
    return new Frontier(size, roots);
  }
}

/** Number of ones in a number that may be larger than 32 bits. */
function bitsSet(size: number): number {
  let count = 0;
  for (let rest = size; rest > 0; rest = Math.floor(rest / 2)) count += rest % 2;
  return count;
}

/** A subtree: `index` counts the subtrees of 2^level leaves from the left. */
export interface Subtree {
  readonly level: number;
  readonly index: number;
}

/** The full subtrees that a tree of `size` leaves from `from` on is made of, largest first, left to right. */
export function fullSubtrees(from: number, size: number): readonly Subtree[] {
  const found: Subtree[] = [];
  for (let at = from, rest = size; rest > 0;) {
    const level = Math.floor(Math.log2(rest));
    found.push({ level, index: at / 2 ** level });
    at += 2 ** level;
    rest -= 2 ** level;
  }
  return found;
}

/**
 * What shows that leaf `seq` is in the tree of `size` leaves, from the leaf upwards: each step names the full subtrees
 * that its sibling is made of, largest first.
 */
export function pathSteps(seq: number, size: number): readonly (readonly Subtree[])[] {
  if (seq < 0 || seq >= size) throw new RangeError(`a tree of ${size} leaves has no leaf ${seq}`);
  const steps: (readonly Subtree[])[] = [];
  for (let from = 0, width = size; width > 1;) {
    const left = splitOf(width);
    if (seq < from + left) {
      steps.push(fullSubtrees(from + left, width - left));
      width = left;
    } else {
      steps.push(fullSubtrees(from, left));
      from += left;
      width -= left;
    }
  }
  return steps.toReversed();
}

/** Joins the roots of neighbouring subtrees, largest first, to the root of all of them. */
export function joined(roots: readonly Uint8Array[]): Uint8Array {
  return roots.length === 0 ? emptyRoot : roots.reduceRight((right, left) => nodeOf(left, right));
}

/** The root that a path leads to; undefined where it has the wrong length for `seq` and `size`. */
export function rootFromPath(
  leaf: Uint8Array,
  seq: number,
  size: number,
  path: readonly Uint8Array[],
): Uint8Array | undefined {
  if (!Number.isSafeInteger(seq) || seq < 0 || seq >= size) return undefined;
  const isLeftAt: boolean[] = [];
  for (let index = seq, width = size; width > 1;) {
    const left = splitOf(width);
    isLeftAt.push(index < left);
    if (index < left) width = left;
    else [index, width] = [index - left, width - left];
  }
  if (isLeftAt.length !== path.length) return undefined;
  return isLeftAt
    .toReversed()
    .reduce<Uint8Array>((node, isLeft, step) => joinStep(node, path[step] ?? emptyRoot, isLeft), leaf);
}

function joinStep(node: Uint8Array, sibling: Uint8Array, isLeft: boolean): Uint8Array {
  return isLeft ? nodeOf(node, sibling) : nodeOf(sibling, node);
}

/** The largest power of two below a width of at least 2. */
function splitOf(width: number): number {
  let left = 1;
  while (left * 2 < width) left *= 2;
  return left;
}
