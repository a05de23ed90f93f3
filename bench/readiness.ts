import { type MeasuredFleet, openMeasuredFleet } from '../packages/server/test-support/measured-fleet.ts';
import { type Accepted, type Benchmark, type Figure, figureOf } from './benchmark.ts';
import type { Series } from './chart.ts';
import { distributionOf, ratioOf } from './ratio.ts';

/*
 * What looks at every endpoint at once, on fleets with a year behind them: the assessment of all, all pages of the fleet
 * list, and the report of the time to production. Each ratio is the time per endpoint in the largest fleet by that in the
 * smallest, measured in turns: 1 is linear growth.
 */

const accepted: Accepted = { max: 1.5, from: 'the goal: linear growth' };
const kinds = ['sqlite', 'postgresql'] as const;

const overviews = {
  assess: 'assessment of all',
  list: 'fleet list, all pages',
  report: 'time to production',
} as const;

type Overview = keyof typeof overviews;

export const readiness: Benchmark = {
  name: 'readiness',
  title: 'Readiness: assessment, fleet list and time report of whole fleets',
  async measure({ isQuick, log }) {
    const [rounds, sizes] = isQuick ? [2, [20, 60]] : [9, [100, 300, 1000]];
    const figures: Figure[] = [];
    const values: Record<string, unknown> = {};
    const series: Series[] = [];
    for (const kind of kinds) {
      const fleets: MeasuredFleet[] = [];
      try {
        for (const size of sizes) {
          const startMs = performance.now();
          fleets.push(await openMeasuredFleet(kind, size));
          log(`${kind}: a year of ${size} endpoints written in ${((performance.now() - startMs) / 1000).toFixed(1)} s`);
        }
        for (const overview of Object.keys(overviews) as Overview[]) {
          const measured = await measureOverview(fleets, overview, rounds);
          figures.push(growthOf(kind, overview, measured));
          values[`${kind} ${overview}`] = measured.map(({ endpoints, ms }) => ({ endpoints, ms: distributionOf(ms) }));
          if (kind === 'sqlite') series.push(seriesOf(overview, measured));
          log(`${kind}, ${overviews[overview]}: ${measured.map(textOf).join(', ')}`);
        }
      } finally {
        for (const fleet of fleets) await fleet.close();
      }
    }
    return {
      figures,
      values,
      curves: { title: 'Whole fleets on SQLite', across: 'endpoints', up: 'milliseconds', series },
    };
  },
};

interface Measured {
  readonly endpoints: number;
  /** One a round. */
  readonly ms: readonly number[];
}

/** Every fleet in every round, the small ones more often, so that each is looked at for about as long. */
async function measureOverview(
  fleets: readonly MeasuredFleet[],
  overview: Overview,
  rounds: number,
): Promise<readonly Measured[]> {
  const largest = Math.max(...fleets.map(({ endpoints }) => endpoints));
  const measured = fleets.map((fleet) => ({ fleet, endpoints: fleet.endpoints, ms: [] as number[] }));
  // The first round is for the caches and the compiler, and does not count.
  for (let round = -1; round < rounds; round++) {
    for (const { fleet, endpoints, ms } of round % 2 === 0 ? measured : measured.toReversed()) {
      const times = Math.max(1, Math.round(largest / endpoints));
      let sumMs = 0;
      for (let time = 0; time < times; time++) sumMs += await run(fleet, overview);
      if (round >= 0) ms.push(sumMs / times);
    }
  }
  return measured;
}

async function run(fleet: MeasuredFleet, overview: Overview): Promise<number> {
  switch (overview) {
    case 'assess':
      return await fleet.assessMs();
    case 'list':
      return await fleet.listMs();
    case 'report':
      return await fleet.reportMs();
  }
}

/** Time per endpoint in the largest fleet by that in the smallest, a round at a time. */
function growthOf(kind: string, overview: Overview, measured: readonly Measured[]): Figure {
  const [small, large] = [measured[0], measured.at(-1)];
  if (small === undefined || large === undefined) throw new Error('there is no fleet');
  const perEndpoint = ({ ms, endpoints }: Measured, round: number): number => (ms[round] ?? NaN) / endpoints;
  return figureOf(
    `${overviews[overview]}, ${kind}`,
    `time per endpoint of ${large.endpoints} endpoints / of ${small.endpoints}, ${kind}`,
    ratioOf(small.ms.map((_, round) => perEndpoint(large, round) / perEndpoint(small, round))),
    accepted,
    '≤ 1.5',
  );
}

function seriesOf(overview: Overview, measured: readonly Measured[]): Series {
  return {
    name: overviews[overview],
    tone: overview === 'assess' ? 'ours' : 'peer',
    isDashed: overview === 'report',
    points: measured.map(({ endpoints, ms }) => ({ x: endpoints, y: distributionOf(ms).p50 })),
  };
}

function textOf({ endpoints, ms }: Measured): string {
  return `${endpoints} in ${distributionOf(ms).p50} ms`;
}
