import { describe, expect, test } from 'vitest';
import {
  type MemoryLedger,
  copyOf,
  keptOutside,
  keyEntry,
  makePair,
  plainEntry,
  restoredEntry,
  rowOf,
  sourcesOf,
  treeOver,
} from '../../test-support/ledger/memory-ledger.ts';
import { verifyAlone } from '../../test-support/ledger/stand-alone.ts';
import type { NewEntry } from './entry.ts';
import type { EntryRow } from './tables.ts';
import { verifyCopy } from './verify-copy.ts';

const pair = makePair();
const key = pair.privateKey;
const start = 1_700_000_000_000;

/** Adds an entry, or `count` plain ones, to rows. */
function grow(rows: readonly EntryRow[], more: number | NewEntry, mark = 0): EntryRow[] {
  const entries = typeof more === 'number' ? Array.from({ length: more }, (_, i) => plainEntry(i, mark)) : [more];
  return entries.reduce((all, entry) => [...all, rowOf(all.length, start + all.length * 1000, entry)], [...rows]);
}

const ledgerOf = (rows: readonly EntryRow[]): MemoryLedger => ({
  rows,
  keys: [pair.line],
  ...treeOver(rows, []),
});

/** What both verifiers say, which must be the same. */
async function verified(rows: readonly EntryRow[], outside: string) {
  const ledger = ledgerOf(rows);
  const report = await verifyCopy(copyOf(ledger), sourcesOf(ledger, outside));
  const alone = await verifyAlone(ledger, outside);
  const { outcome, firstBad, anchored } = report;
  expect(alone).toMatchObject({ outcome, firstBad, anchored });
  return report;
}

/** 150 entries, put back to the first 100, and 40 more since. */
const before = grow(grow([], keyEntry(pair.line)), 149);
const beforeOutside = keptOutside(before, [60, 90, 120, 150], key);
const backup = before.slice(0, 100);
const restored = grow(backup, restoredEntry('first', { sizeBefore: 150 }));
const after = grow(restored, 39, 1);
const afterOutside = keptOutside(after, [101, 130, 140], key, 'first');

describe('a restore', () => {
  test('that a checkpoint outside covers is no tampering, and what it lost is said aloud', async () => {
    const report = await verified(after, beforeOutside + afterOutside);
    expect(report).toMatchObject({ outcome: 'ok', firstBad: null, anchored: 140 });
    expect(report.findings[0]).toBe(
      'RESTORED: 50 entries were lost by the restore of 2023-11-14T22:15:00.000Z (entry 100)',
    );
  });

  test('without an entry is a tampering', async () => {
    expect(await verified(backup, beforeOutside)).toMatchObject({ outcome: 'tampered', firstBad: 100 });
    expect(await verified(grow(backup, 60, 1), beforeOutside)).toMatchObject({ outcome: 'tampered', firstBad: 100 });
  });

  test('that no checkpoint outside covers is a tampering: who holds the database alone cannot claim one', async () => {
    expect(await verified(after, beforeOutside)).toMatchObject({ outcome: 'tampered', firstBad: 100 });
  });

  test('does not excuse what is changed below it', async () => {
    const rows = grow(
      grow(grow(before.slice(0, 50), plainEntry(1, 9)), 49, 9),
      restoredEntry('first', { sizeBefore: 150 }),
    );
    const report = await verified(grow(rows, 39, 1), beforeOutside + afterOutside);
    expect(report).toMatchObject({ outcome: 'tampered', firstBad: 50 });
  });

  test('does not excuse what is changed above it, though checkpoints of the lost entries are of those sizes', async () => {
    const rows = grow(grow(after.slice(0, 110), plainEntry(7, 9)), 29, 9);
    expect(await verified(rows, beforeOutside + afterOutside)).toMatchObject({ outcome: 'tampered', firstBad: 110 });
  });

  test('does not excuse that entries behind it are cut off', async () => {
    const report = await verified(after.slice(0, 125), beforeOutside + afterOutside);
    expect(report).toMatchObject({ outcome: 'tampered', firstBad: 125 });
  });

  test('cannot be forged to hide a change behind it', async () => {
    const forged = grow(
      grow(after.slice(0, 110), restoredEntry('forged', { sizeBefore: 140, ended: ['', 'first'] })),
      20,
      9,
    );
    const report = await verified(forged, beforeOutside + afterOutside);
    expect(report).toMatchObject({ outcome: 'tampered', firstBad: 110 });
  });

  test('cannot be undone in silence', async () => {
    expect(await verified(before, beforeOutside + afterOutside)).toMatchObject({ outcome: 'tampered', firstBad: 100 });
  });

  test('of a restored ledger to an older backup names what each lost', async () => {
    const rows = grow(grow(before.slice(0, 80), restoredEntry('second', { sizeBefore: 140, ended: ['first'] })), 5, 2);
    const outside = beforeOutside + afterOutside + keptOutside(rows, [86], key, 'second');
    const report = await verified(rows, outside);
    expect(report).toMatchObject({ outcome: 'ok', anchored: 86 });
    expect(report.findings[0]).toMatch(/^RESTORED: 70 entries were lost .* \(entry 80\)$/);
  });

  test('to the newest backup loses nothing, and is said all the same', async () => {
    const rows = grow(before, restoredEntry('first', { sizeBefore: 150 }));
    const report = await verified(rows, beforeOutside + keptOutside(rows, [151], key, 'first'));
    expect(report).toMatchObject({ outcome: 'ok', anchored: 151 });
    expect(report.findings[0]).toMatch(/^RESTORED: (no entry was|0 entries were) lost/);
  });
});
