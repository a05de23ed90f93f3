/** How long to wait before a restart. */
export interface BackoffRule {
  readonly firstMs: number;
  readonly mostMs: number;
  /** A process that lived this long starts the count anew. */
  readonly healthyMs: number;
}

/** Doubles from `firstMs` to `mostMs`; `failures` counts from 1. */
export function backoffMs(rule: BackoffRule, failures: number): number {
  return Math.min(rule.mostMs, rule.firstMs * 2 ** Math.min(30, Math.max(0, failures - 1)));
}

/** The failures in a row, after one more: 1 where the process had been healthy for long enough. */
export function failuresAfter(rule: BackoffRule, failures: number, livedMs: number): number {
  return livedMs >= rule.healthyMs ? 1 : failures + 1;
}
