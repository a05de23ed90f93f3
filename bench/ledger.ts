import { type MeasuredLedger, openMeasuredLedger } from '../packages/server/test-support/ledger/measured-ledger.ts';
import { type Accepted, type Benchmark, type Figure, figureOf } from './benchmark.ts';
import { distributionOf, ratioOf } from './ratio.ts';
import { takeTurns } from './serving-stage.ts';

/*
 * What the ledger costs: transactions that append an entry against the same transactions without one, by 8 writers, on
 * SQLite and on PostgreSQL, both durable; verification of everything (entries, search copies, tree, checkpoints) against
 * SHA-256 alone over the same bytes; and how appending, verifying, proving and the bytes of an entry grow with the ledger.
 */

const from = 'the goal';
const accepted: Readonly<Record<'sqlite' | 'postgresql' | 'verification', Accepted>> = {
  sqlite: { min: 0.2, from },
  postgresql: { min: 0.1, from },
  verification: { min: 0.1, from },
};
const kinds = ['sqlite', 'postgresql'] as const;
const writers = 8;

export const ledger: Benchmark = {
  name: 'ledger',
  title: 'Ledger: appending against bare transactions, verification against bare SHA-256',
  async measure({ isQuick, log }) {
    const figures: Figure[] = [];
    const values: Record<string, unknown> = { writers };
    for (const kind of kinds) {
      const measured = await openMeasuredLedger(kind);
      try {
        const appended = await measureAppends(kind, measured, isQuick);
        figures.push(appended.figure);
        values[kind] = appended.values;
        log(
          `${kind}: ${appended.values.appended.p50} transactions a second with an entry, ${appended.values.bare.p50} without`,
        );
      } finally {
        await measured.close();
      }
    }
    const grown = await measureGrowth(isQuick, log);
    return {
      figures: [...figures, grown.figure],
      values: { ...values, growth: grown.points },
      curves: {
        title: 'Growth',
        across: 'entries',
        up: 'thousand a second',
        series: [
          {
            name: 'verified',
            tone: 'ours',
            isDashed: false,
            points: grown.points.map(({ entries, verifiedPerSecond }) => ({ x: entries, y: verifiedPerSecond / 1000 })),
          },
          {
            name: 'appended',
            tone: 'ours',
            isDashed: true,
            points: grown.points.map(({ entries, appendedPerSecond }) => ({ x: entries, y: appendedPerSecond / 1000 })),
          },
        ],
      },
    };
  },
};

async function measureAppends(kind: (typeof kinds)[number], measured: MeasuredLedger, isQuick: boolean) {
  const [rounds, count] = isQuick ? [2, 400] : [5, 8000];
  await measured.transactionsPerSecond(count / 4, writers, true);
  const pairs = await takeTurns(
    rounds,
    () => measured.transactionsPerSecond(count, writers, true),
    () => measured.transactionsPerSecond(count, writers, false),
  );
  await measured.checkpoint();
  await measured.verifiedPerSecond();
  return {
    figure: figureOf(
      `append, ${kind}`,
      `transactions a second with an entry / without, ${writers} writers, ${kind}`,
      ratioOf(pairs.map(({ a, b }) => a / b)),
      accepted[kind],
    ),
    values: {
      appended: distributionOf(pairs.map(({ a }) => a)),
      bare: distributionOf(pairs.map(({ b }) => b)),
    },
  };
}

async function measureGrowth(isQuick: boolean, log: (line: string) => void) {
  const [rounds, sizes] = isQuick ? [2, [1000, 3000]] : [5, [1000, 10_000, 100_000]];
  const measured = await openMeasuredLedger('sqlite');
  try {
    const points = [];
    let ratios: number[] = [];
    for (const entries of sizes) {
      await measured.growTo(entries - 500);
      await measured.checkpoint();
      const appendedPerSecond = await measured.transactionsPerSecond(Math.min(400, entries / 4), writers, true);
      const bytesPerEntry = Math.round(await measured.bytesPerEntry());
      const startMs = performance.now();
      await measured.checkpoint();
      const checkpointMs = performance.now() - startMs;
      const pairs = await takeTurns(
        rounds,
        () => measured.verifiedPerSecond(),
        () => measured.hashedPerSecond(),
      );
      ratios = pairs.map(({ a, b }) => a / b);
      const verifiedPerSecond = distributionOf(pairs.map(({ a }) => a)).p50;
      const point = {
        entries,
        appendedPerSecond,
        verifiedPerSecond,
        checkpointMs,
        proofMs: await measured.proofMs(),
        bytesPerEntry,
      };
      points.push(point);
      log(
        `${entries} entries: ${Math.round(verifiedPerSecond)} verified and ${Math.round(appendedPerSecond)} appended a second, a proof ${point.proofMs.toFixed(1)} ms, ${bytesPerEntry} bytes an entry, verification ${ratioOf(ratios).median} of bare SHA-256`,
      );
    }
    return {
      points,
      figure: figureOf(
        'verification',
        `entries a second of a whole verification / of SHA-256 over the same bodies, ${sizes.at(-1)} entries`,
        ratioOf(ratios),
        accepted.verification,
      ),
    };
  } finally {
    await measured.close();
  }
}
