import type { Problem } from '@muster-ml/protocol';

/** One request that is sent again and again. */
export interface LoadRequest {
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array;
}

/** What the thread that makes load is to do. */
export interface LoadTask {
  /** Of the gateway, without a path. */
  readonly url: string;
  /** PEM of the certificate of a gateway that shows its own; only this one is trusted then. */
  readonly certificate: string | undefined;
  readonly endpoint: string;
  /** May call this endpoint and nothing else. */
  readonly token: string;
  /** Sent in turn; none: the row that the endpoint gives as an example. */
  readonly requests: readonly LoadRequest[];
  readonly requestsPerSecond: number;
  readonly maxInFlight: number;
  readonly seconds: number;
  /** Load goes on after `seconds` until it is told to end. */
  readonly isOpenEnded: boolean;
  /** Longest wait for one answer. */
  readonly timeoutMs: number;
}

/** How it stands. */
export interface LoadNow {
  readonly requests: number;
  readonly answered: number;
  readonly failed: number;
  /** Answers by the version that gave them. */
  readonly byVersion: Readonly<Record<string, number>>;
}

/** What came of it. Latencies are of answered requests, counted from when each should have been sent; absent without any. */
export interface LoadFound {
  readonly requests: number;
  readonly failed: number;
  readonly errorPercent: number;
  /** What was answered, by the time that it took. */
  readonly requestsPerSecond: number;
  readonly latency: LatencyFound | undefined;
  /** Why requests failed, the most frequent first: codes and statuses, never a text of the answer. */
  readonly failures: readonly { readonly why: string; readonly count: number }[];
}

export interface LatencyFound {
  readonly p50Ms: number;
  readonly p90Ms: number;
  readonly p95Ms: number;
  readonly p99Ms: number;
}

/** From the thread. */
export type LoadMessage =
  /** It reaches the endpoint and begins. */
  | { readonly kind: 'begun' }
  | { readonly kind: 'now'; readonly now: LoadNow }
  | { readonly kind: 'done'; readonly found: LoadFound }
  | { readonly kind: 'failed'; readonly problem: Problem };

/** To the thread: no new requests. */
export interface LoadOrder {
  readonly kind: 'end';
}
