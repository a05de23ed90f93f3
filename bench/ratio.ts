/** A ratio as it was measured: one value a round, each of two measurements made one right after the other. */
export interface Ratio {
  readonly median: number;
  readonly min: number;
  readonly max: number;
  readonly rounds: readonly number[];
}

export function ratioOf(rounds: readonly number[]): Ratio {
  return {
    median: round(quantile(rounds, 0.5)),
    min: round(Math.min(...rounds)),
    max: round(Math.max(...rounds)),
    rounds: rounds.map(round),
  };
}

/** How measured values are spread, in their own unit. */
export interface Distribution {
  readonly count: number;
  readonly min: number;
  readonly p50: number;
  readonly p90: number;
  readonly p99: number;
  readonly max: number;
}

export function distributionOf(values: readonly number[]): Distribution {
  const at = (share: number): number => round(quantile(values, share));
  return { count: values.length, min: at(0), p50: at(0.5), p90: at(0.9), p99: at(0.99), max: at(1) };
}

/** The smallest value that `share` of the values do not exceed; of an even number the median is the mean of the middle two. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  if (share === 0.5 && sorted.length % 2 === 0)
    return ((sorted[sorted.length / 2 - 1] ?? NaN) + (sorted[sorted.length / 2] ?? NaN)) / 2;
  return sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)] ?? NaN;
}

/** To four significant digits: more would only pretend. */
function round(value: number): number {
  return Number(value.toPrecision(4));
}
