import { type RoadStage, type RoadTimes, type Spread, roadStages } from '@muster-ml/protocol';
import type { Passage } from './road.ts';

/**
 * The smallest of the values that at least `share` of them do not exceed (nearest rank, so it is always one that was
 * measured); null of none. The median is that of 0.5: of an even number, the lower of the middle two.
 */
export function nearestRank(values: readonly number[], share: number): number | null {
  const sorted = values.toSorted((a, b) => a - b);
  // Decimal shares are not exact: 0.9 of 10 must be rank 9, not 10.
  const rank = Math.max(1, Math.ceil(sorted.length * share - 1e-9));
  return sorted[rank - 1] ?? null;
}

/** Count, median and 90th percentile of some durations in milliseconds. */
export function spreadOf(durationsMs: readonly number[]): Spread {
  return {
    count: durationsMs.length,
    medianMs: nearestRank(durationsMs, 0.5),
    p90Ms: nearestRank(durationsMs, 0.9),
  };
}

/** Times of some endpoints on their way, as a whole and stage by stage; a stage counts those that are known to have had it. */
export function roadTimes(passages: readonly Passage[]): RoadTimes {
  const allMs = passages.reduce((sum, { totalMs }) => sum + totalMs, 0);
  return {
    total: spreadOf(passages.map(({ totalMs }) => totalMs)),
    stages: (Object.keys(roadStages) as RoadStage[]).map((stage) => {
      const known = passages.flatMap(({ stagesMs }) => stagesMs[stage] ?? []);
      const stageMs = known.reduce((sum, ms) => sum + ms, 0);
      return {
        stage,
        waitsFor: roadStages[stage].waitsFor,
        ...spreadOf(known),
        share: allMs === 0 ? null : stageMs / allMs,
      };
    }),
  };
}
