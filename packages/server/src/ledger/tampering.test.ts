import { describe, expect, test } from 'vitest';
import {
  type MemoryLedger,
  copyOf,
  keptOutside,
  keyEntry,
  makePair,
  plainEntry,
  rowOf,
  sourcesOf,
  treeOver,
} from '../../test-support/ledger/memory-ledger.ts';
import { randomFrom } from '../../test-support/ledger/random.ts';
import { verifyAlone } from '../../test-support/ledger/stand-alone.ts';
import { attacks, tamper } from '../../test-support/ledger/tamperings.ts';
import { verifyCopy } from './verify-copy.ts';

const pair = makePair();
const { privateKey: key } = pair;

interface Made {
  readonly ledger: MemoryLedger;
  /** Sizes of all checkpoints, and of those that the outside has. */
  readonly sizes: readonly number[];
  readonly outsideSizes: readonly number[];
  readonly outside: string;
}

/** About 300 entries, a checkpoint now and then, and most of those outside; the last entries are in none. */
function makeLedger(random: (limit: number) => number): Made {
  const count = 280 + random(40);
  let at = 1_700_000_000_000;
  const rows = Array.from({ length: count }, (_, seq) =>
    rowOf(seq, (at += random(2000)), seq === 0 ? keyEntry(pair.line) : plainEntry(seq)),
  );
  const sizes: number[] = [];
  for (let size = 1 + random(40); size <= count - 20; size += 30 + random(110)) sizes.push(size);
  const outsideSizes = sizes.filter((_, index) => index % 3 !== 1);
  const ledger = {
    rows,
    keys: [pair.line],
    ...treeOver(rows, sizes, key),
  };
  return { ledger, sizes, outsideSizes, outside: keptOutside(rows, outsideSizes, key) };
}

describe('verification', () => {
  test('finds nothing in honest ledgers, and says how far the outside knows them', async () => {
    for (let seed = 0; seed < 30; seed++) {
      const { ledger, outside, outsideSizes } = makeLedger(randomFrom(seed));
      const report = await verifyCopy(copyOf(ledger), sourcesOf(ledger, outside));
      expect(report).toMatchObject({ outcome: 'unanchored', anchored: outsideSizes.at(-1), firstBad: null });
      expect(await verifyAlone(ledger, outside)).toMatchObject({ ...outcomeOf(report) });
      const anchored = { ...ledger, rows: ledger.rows.slice(0, outsideSizes.at(-1)) };
      const whole = { ...anchored, notes: [] };
      expect((await verifyCopy(copyOf(whole), sourcesOf(whole, outside))).outcome).toBe('ok');
      expect((await verifyAlone(whole, outside)).outcome).toBe('ok');
    }
  });

  // 2,000 in all, half of them with leaves, tree and the database's checkpoints made to match and signed anew.
  test.each(attacks)(
    'finds every "%s" at or below the newest checkpoint outside, alone too, and names the first bad entry',
    { timeout: 120_000 },
    async (attack) => {
      const missed: unknown[] = [];
      for (let seed = 0; seed < 286; seed++) {
        const random = randomFrom(seed);
        const { ledger, sizes, outsideSizes, outside } = made(seed);
        // The first entry introduces the key, and has none above it that it could be dated before.
        const at = 1 + random((outsideSizes.at(-1) ?? 0) - 1);
        const tampered = tamper(ledger, attack, at, random, seed % 2 === 0 ? { key, sizes } : undefined);
        const report = await verifyCopy(copyOf(tampered), sourcesOf(tampered, outside));
        const alone = await verifyAlone(tampered, outside);
        for (const { outcome, firstBad, findings } of [report, alone]) {
          if (outcome !== 'tampered' || firstBad !== at) missed.push({ seed, at, outcome, firstBad, findings });
        }
      }
      expect(missed).toEqual([]);
    },
  );

  test('what was rewritten above the newest checkpoint outside is not called verified, but not yet anchored', async () => {
    for (let seed = 0; seed < 140; seed++) {
      const random = randomFrom(seed);
      const { ledger, sizes, outsideSizes, outside } = made(seed);
      const attack = attacks[seed % attacks.length] ?? 'edit';
      const newest = outsideSizes.at(-1) ?? 0;
      const at = newest + random(ledger.rows.length - newest - 1);
      const tampered = tamper(ledger, attack, at, random, { key, sizes });
      const wanted = attack === 'back-date' ? 'tampered' : tampered.rows.length === newest ? 'ok' : 'unanchored';
      const report = await verifyCopy(copyOf(tampered), sourcesOf(tampered, outside));
      expect({ seed, ...outcomeOf(report) }).toMatchObject({ seed, outcome: wanted, anchored: newest });
      expect({ seed, ...outcomeOf(await verifyAlone(tampered, outside)) }).toMatchObject({ seed, outcome: wanted });
    }
  });
});

const madeLedgers = new Map<number, Made>();
function made(seed: number): Made {
  const number = seed % 20;
  const known = madeLedgers.get(number) ?? makeLedger(randomFrom(1_000_000 + number));
  madeLedgers.set(number, known);
  return known;
}

function outcomeOf(report: {
  readonly outcome: string;
  readonly size: number;
  readonly anchored: number;
  readonly firstBad: number | null;
}) {
  const { outcome, size, anchored, firstBad } = report;
  return { outcome, size, anchored, firstBad };
}
