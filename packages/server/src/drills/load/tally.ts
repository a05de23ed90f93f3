import type { LatencyFound, LoadFound, LoadNow } from './load-task.ts';

/** One answer, or why there was none. */
export interface Outcome {
  readonly isAnswered: boolean;
  /** Code or status of a failure. */
  readonly why?: string | undefined;
  readonly version?: string | undefined;
}

/** Kinds of failures that are kept apart. */
const keptFailures = 20;

/** Counts outcomes, and keeps every latency: percentiles are exact. */
export class Tally {
  readonly #failures = new Map<string, number>();
  readonly #byVersion: Record<string, number> = {};
  #latencies = new Float32Array(4096);
  #answered = 0;
  #failed = 0;

  note(outcome: Outcome, latencyMs: number): void {
    if (!outcome.isAnswered) return this.fail(outcome.why ?? 'unknown', 1);
    if (this.#answered === this.#latencies.length) {
      const larger = new Float32Array(2 * this.#latencies.length);
      larger.set(this.#latencies);
      this.#latencies = larger;
    }
    this.#latencies[this.#answered] = latencyMs;
    this.#answered += 1;
    if (outcome.version !== undefined) this.#byVersion[outcome.version] = (this.#byVersion[outcome.version] ?? 0) + 1;
  }

  /** Notes requests that failed alike. */
  fail(why: string, count: number): void {
    if (count === 0) return;
    this.#failed += count;
    const key = this.#failures.has(why) || this.#failures.size < keptFailures ? why : 'other';
    this.#failures.set(key, (this.#failures.get(key) ?? 0) + count);
  }

  now(requests: number): LoadNow {
    return { requests, answered: this.#answered, failed: this.#failed, byVersion: { ...this.#byVersion } };
  }

  found(tookMs: number): LoadFound {
    const requests = this.#answered + this.#failed;
    return {
      requests,
      failed: this.#failed,
      errorPercent: requests === 0 ? 0 : (100 * this.#failed) / requests,
      requestsPerSecond: tookMs === 0 ? 0 : (1000 * this.#answered) / tookMs,
      latency: latencyFound(this.#latencies.subarray(0, this.#answered)),
      failures: [...this.#failures].map(([why, count]) => ({ why, count })).toSorted((a, b) => b.count - a.count),
    };
  }
}

/** Nearest-rank percentiles: the least of the values that at least so many percent do not exceed. */
function latencyFound(latencies: Float32Array): LatencyFound | undefined {
  if (latencies.length === 0) return undefined;
  const sorted = latencies.toSorted();
  const at = (percent: number): number => sorted[Math.max(0, Math.ceil((percent / 100) * sorted.length) - 1)] ?? 0;
  return { p50Ms: at(50), p90Ms: at(90), p95Ms: at(95), p99Ms: at(99) };
}
