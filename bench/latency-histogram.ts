/** Buckets of each doubling: a quantile is at most 1/64 above the true one. */
const steps = 64;
const doublings = 32;

/** Latencies in buckets that grow with them: two additions and a logarithm to record, whatever the number of requests. */
export interface LatencyHistogram {
  record(ms: number): void;
  /** Counts by bucket, to be sent to another process and merged there. */
  readonly counts: Uint32Array;
}

/** From 0.1 µs up, beyond what matters at both ends. */
export function createLatencyHistogram(): LatencyHistogram {
  const counts = new Uint32Array(steps * doublings);
  return {
    counts,
    record(ms) {
      const bucket = Math.max(0, Math.min(counts.length - 1, Math.floor(Math.log2(ms * 10_000) * steps)));
      counts[bucket] = (counts[bucket] ?? 0) + 1;
    },
  };
}

/** The latency in milliseconds that `share` (0 to 1) of the requests did not exceed; 0 when there were none. */
export function quantileOf(histograms: readonly Uint32Array[], share: number): number {
  const merged = Array.from({ length: steps * doublings }, (_, bucket) =>
    histograms.reduce((sum, counts) => sum + (counts[bucket] ?? 0), 0),
  );
  const total = merged.reduce((sum, count) => sum + count, 0);
  let left = Math.ceil(total * share);
  if (total === 0) return 0;
  const bucket = merged.findIndex((count) => (left -= count) <= 0);
  return 2 ** ((bucket + 1) / steps) / 10_000;
}
