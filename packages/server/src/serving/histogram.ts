/** Counts values in fixed buckets, as Prometheus' histograms do. */
export interface Histogram {
  observe(value: number): void;
  readonly sum: number;
  readonly count: number;
  /** Each upper bound as its label, and how many values were at most that. */
  cumulative(): Iterable<readonly [string, number]>;
}

/** `bounds` rise; a bucket without bound comes last by itself. */
export function createHistogram(bounds: readonly number[]): Histogram {
  const counts = new Float64Array(bounds.length + 1);
  let sum = 0;
  let count = 0;
  return {
    observe: (value) => {
      let bucket = 0;
      while (bucket < bounds.length && value > (bounds[bucket] ?? 0)) bucket += 1;
      counts[bucket] = (counts[bucket] ?? 0) + 1;
      sum += value;
      count += 1;
    },
    get sum() {
      return sum;
    },
    get count() {
      return count;
    },
    *cumulative() {
      let below = 0;
      for (const [index, bound] of bounds.entries()) {
        below += counts[index] ?? 0;
        yield [String(bound), below] as const;
      }
      yield ['+Inf', count] as const;
    },
  };
}
