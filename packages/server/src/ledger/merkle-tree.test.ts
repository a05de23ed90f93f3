import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Frontier, emptyRoot, fullSubtrees, joined, leafOf, pathSteps, rootFromPath } from './merkle-tree.ts';

const hex = (bytes: Uint8Array | undefined): string => Buffer.from(bytes ?? []).toString('hex');
const sha256 = (...parts: readonly Uint8Array[]): Uint8Array =>
  parts.reduce((hash, part) => hash.update(part), createHash('sha256')).digest();

/** The definition of RFC 9162, section 2.1.1, word for word. */
function rootOf(leaves: readonly Uint8Array[]): Uint8Array {
  const [first] = leaves;
  if (first === undefined) return sha256();
  if (leaves.length === 1) return first;
  let k = 1;
  while (k * 2 < leaves.length) k *= 2;
  return sha256(Buffer.of(1), rootOf(leaves.slice(0, k)), rootOf(leaves.slice(k)));
}

/** The path of RFC 9162, section 2.1.3.1, word for word. */
function pathOf(seq: number, leaves: readonly Uint8Array[]): Uint8Array[] {
  if (leaves.length <= 1) return [];
  let k = 1;
  while (k * 2 < leaves.length) k *= 2;
  return seq < k
    ? [...pathOf(seq, leaves.slice(0, k)), rootOf(leaves.slice(k))]
    : [...pathOf(seq - k, leaves.slice(k)), rootOf(leaves.slice(0, k))];
}

const leavesOf = (count: number): Uint8Array[] => Array.from({ length: count }, (_, seq) => leafOf(`entry ${seq}`));
const anyTree = fc
  .integer({ min: 1, max: 300 })
  .chain((size) => fc.record({ size: fc.constant(size), seq: fc.integer({ min: 0, max: size - 1 }) }));

describe('the tree', () => {
  test('of no leaf and of one byte has the roots that are published for RFC 6962', () => {
    expect(hex(emptyRoot)).toBe('e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855');
    expect(hex(leafOf(''))).toBe('6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d');
  });

  test('grown at its right edge has the root of the recursive definition at every size', () => {
    const leaves = leavesOf(300);
    const frontier = new Frontier();
    for (const [index, leaf] of leaves.entries()) {
      expect(hex(frontier.root())).toBe(hex(rootOf(leaves.slice(0, index))));
      frontier.add(leaf);
    }
  });

  test('goes on from what was kept of its edge', () => {
    fc.assert(
      fc.property(fc.nat(200), fc.nat(100), (size, more) => {
        const leaves = leavesOf(size + more);
        const first = new Frontier();
        for (const leaf of leaves.slice(0, size)) first.add(leaf);
        const second = Frontier.fromBytes(size, first.toBytes());
        for (const leaf of leaves.slice(size)) second.add(leaf);
        expect(hex(second.root())).toBe(hex(rootOf(leaves)));
      }),
      { numRuns: 50 },
    );
  });

  test('is made of its full subtrees', () => {
    const leaves = leavesOf(200);
    for (const size of [0, 1, 2, 3, 64, 127, 200]) {
      const roots = fullSubtrees(0, size).map(({ level, index }) =>
        rootOf(leaves.slice(index * 2 ** level, (index + 1) * 2 ** level)),
      );
      expect(hex(joined(roots))).toBe(hex(rootOf(leaves.slice(0, size))));
    }
  });

  test('has paths of full subtrees that are those of the recursive definition, and lead to its root', () => {
    fc.assert(
      fc.property(anyTree, ({ size, seq }) => {
        const leaves = leavesOf(size);
        const path = pathSteps(seq, size).map((step) =>
          joined(step.map(({ level, index }) => rootOf(leaves.slice(index * 2 ** level, (index + 1) * 2 ** level)))),
        );
        expect(path.map(hex)).toEqual(pathOf(seq, leaves).map(hex));
        expect(hex(rootFromPath(leaves[seq] ?? emptyRoot, seq, size, path))).toBe(hex(rootOf(leaves)));
      }),
      { numRuns: 100 },
    );
  });

  test('is not reached by the path of another leaf, nor by one of another length', () => {
    const leaves = leavesOf(100);
    const path = pathOf(42, leaves);
    const leaf = leaves[42] ?? emptyRoot;
    expect(hex(rootFromPath(leaf, 43, 100, path))).not.toBe(hex(rootOf(leaves)));
    expect(rootFromPath(leaf, 42, 100, path.slice(1))).toBeUndefined();
    expect(rootFromPath(leaf, 100, 100, path)).toBeUndefined();
  });
});
