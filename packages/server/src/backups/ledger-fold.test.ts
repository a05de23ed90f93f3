import { createHash } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { type LedgerRow, createLedgerFold } from './ledger-fold.ts';

const sha256 = (...parts: readonly Uint8Array[]): Buffer => createHash('sha256').update(Buffer.concat(parts)).digest();

function entries(count: number): LedgerRow[] {
  return Array.from({ length: count }, (_, seq) => {
    const body = JSON.stringify({ seq });
    return { seq, body, leaf: sha256(Uint8Array.of(0), Buffer.from(body)) };
  });
}

/** RFC 6962 as it is written: split at the largest power of two below the number of leaves. */
function rootOf(leaves: readonly Uint8Array[]): Uint8Array {
  const [only] = leaves;
  if (only === undefined) return sha256();
  if (leaves.length === 1) return only;
  let half = 1;
  while (half * 2 < leaves.length) half *= 2;
  return sha256(Uint8Array.of(1), rootOf(leaves.slice(0, half)), rootOf(leaves.slice(half)));
}

function folded(rows: readonly LedgerRow[]) {
  const fold = createLedgerFold();
  for (const row of rows) fold.add(row);
  return fold.end();
}

describe('the ledger in a backup', () => {
  test.each([0, 1, 2, 3, 7, 8, 100])('of %i entries has the root that RFC 6962 gives', (count) => {
    const rows = entries(count);
    const root = Buffer.from(rootOf(rows.map(({ leaf }) => leaf))).toString('base64');
    expect(folded(rows)).toEqual({ size: count, root, broken: null });
  });

  test.each([
    ['an edited body', (rows: LedgerRow[]) => rows.with(4, { ...(rows[4] as LedgerRow), body: '{"seq":4,"x":1}' })],
    ['an edited leaf', (rows: LedgerRow[]) => rows.with(4, { ...(rows[4] as LedgerRow), leaf: new Uint8Array(32) })],
    ['a missing entry', (rows: LedgerRow[]) => rows.toSpliced(4, 1)],
    ['a body of another place', (rows: LedgerRow[]) => rows.with(4, { ...(rows[3] as LedgerRow), seq: 4 })],
  ])('%s is found where it is', (_what, spoil) => {
    expect(folded(spoil(entries(10))).broken).toBe(4);
  });
});
