import type { DrillKind, DrillSettings, Objective, ServingSettings } from '@muster-ml/protocol';
import type { LatencyFound, LoadFound } from './load/load-task.ts';

/** Load that a drill makes where no objective says how much is usual. */
export const usualRequestsPerSecond = 10;
/** A drill takes its load and this, at most; then it has failed. */
export const stepsLimitMs = 180_000;
/** What a team may be without one of its runners, and what going back may take. */
export const recoveryLimitMs = 60_000;

/** A version with how it is served. */
export interface LiveVersion {
  readonly model: string;
  readonly version: number;
  readonly settings: ServingSettings;
}

/** What a drill is to do, as its operation keeps it: enough to put back what was live, also after a crash. */
export interface DrillTask {
  readonly kind: DrillKind;
  readonly endpoint: { readonly id: string; readonly name: string; readonly team: string };
  readonly settings: DrillSettings;
  readonly requestsPerSecond: number;
  readonly objective: Objective | null;
  readonly timeoutMs: number;
  /** What was live when it began. */
  readonly before: LiveVersion;
  /** Milliseconds since the epoch. */
  readonly startedAt: number;
}

/** What a drill found out, as evidence. */
export interface Finding {
  readonly passed: boolean;
  /** One sentence. */
  readonly summary: string;
  readonly figures: Readonly<Record<string, number | string | boolean>>;
}

/** The least share of the asked rate that must be answered: the last answers come after the end. */
const leastRateShare = 0.95;

/** Judges a load test by what callers may count on. */
export function judgeLoad(objective: Objective, found: LoadFound): Finding {
  const { latencyMs, percentile, errorPercent, requestsPerSecond } = objective;
  const reachedMs = found.latency === undefined ? undefined : atPercentile(found.latency, percentile);
  const misses = [
    ...(reachedMs === undefined
      ? ['nothing was answered']
      : reachedMs > latencyMs
        ? [`p${percentile} was ${rounded(reachedMs)} ms, and ${latencyMs} ms are promised`]
        : []),
    ...(found.errorPercent > errorPercent
      ? [`${rounded(found.errorPercent)} % failed, and at most ${errorPercent} % may${whyText(found)}`]
      : []),
    ...(reachedMs !== undefined && found.requestsPerSecond < leastRateShare * requestsPerSecond
      ? [`${rounded(found.requestsPerSecond)} requests a second were answered, and ${requestsPerSecond} are promised`]
      : []),
  ];
  return {
    passed: misses.length === 0,
    summary:
      misses.length === 0
        ? `p${percentile} was ${rounded(reachedMs ?? 0)} ms at ${rounded(found.requestsPerSecond)} requests a second`
        : misses.join('; '),
    figures: {
      ...figuresOf(found),
      objectiveLatencyMs: latencyMs,
      objectivePercentile: percentile,
      objectiveRequestsPerSecond: requestsPerSecond,
      objectiveErrorPercent: errorPercent,
    },
  };
}

/** The figures of load, with two decimals. */
export function figuresOf(found: LoadFound): Finding['figures'] {
  const { latency } = found;
  return {
    requests: found.requests,
    failed: found.failed,
    errorPercent: rounded(found.errorPercent),
    requestsPerSecond: rounded(found.requestsPerSecond),
    ...(latency === undefined
      ? {}
      : { p50Ms: rounded(latency.p50Ms), p95Ms: rounded(latency.p95Ms), p99Ms: rounded(latency.p99Ms) }),
  };
}

/** What went wrong besides, for a sentence: ` (503 endpoint_not_ready)`, or nothing. */
export function whyText({ failures }: LoadFound): string {
  const [first] = failures;
  return first === undefined ? '' : ` (${first.why})`;
}

function atPercentile(latency: LatencyFound, percentile: number): number {
  if (percentile <= 50) return latency.p50Ms;
  if (percentile <= 90) return latency.p90Ms;
  return percentile <= 95 ? latency.p95Ms : latency.p99Ms;
}

function rounded(value: number): number {
  return Math.round(value * 100) / 100;
}
