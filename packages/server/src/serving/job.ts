import type { MusterError } from '@muster-ml/protocol';
import type { PredictRequest, Prediction } from './faces.ts';
import { mergeKey } from './merging.ts';

/** A request on its way through a batcher. It is settled once: by an answer, an error, its deadline or its caller's leaving. */
export interface Job {
  readonly request: PredictRequest;
  /** A copy for a shadow: nobody waits for its answer. */
  readonly isCopy: boolean;
  /** Input bytes that it holds while it waits. */
  readonly bytes: number;
  /** On the monotonic clock. */
  readonly acceptedMs: number;
  /** Requests with equal keys may share a run; undefined: this one never shares. */
  key: string | undefined;
  state: 'waiting' | 'running' | 'settled';
  startedMs: number;
  /** Runners that died while they ran it. */
  crashes: number;
  readonly settle: (outcome: Prediction | MusterError) => void;
}

/** The key by which a request may share a run, for one whose rows can be counted and are between one and `maxRows`. */
export function keyOf(request: PredictRequest, maxRows: number): string | undefined {
  const { rows } = request;
  return rows === undefined || rows < 1 || rows >= maxRows ? undefined : mergeKey(request);
}
