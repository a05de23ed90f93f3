import { MusterError } from '@muster-ml/protocol';
import type { BatchQueue } from './batch-queue.ts';
import type { PredictRequest, Prediction } from './faces.ts';
import { mergeKey } from './merging.ts';

/** Who holds a job now; requests move when their deployment ends before they ran. */
export interface JobHome {
  /** The job is being settled: it need not be run any more. */
  forget(job: Job): void;
}

/** How the outcome reaches whoever asked. */
export interface JobDelivery {
  resolve(prediction: Prediction): void;
  reject(error: MusterError): void;
}

/**
 * A request on its way through a batcher. It is settled once: by an answer, an error, its deadline or its caller's
 * leaving. One object a request, because it is on the path of every prediction.
 */
export class Job {
  readonly request: PredictRequest;
  /** A copy for a shadow: nobody waits for its answer. */
  readonly isCopy: boolean;
  /** Input bytes that it holds while it waits. */
  readonly bytes: number;
  /** On the monotonic clock. */
  readonly acceptedMs: number;
  home: JobHome;
  /** Requests with equal keys may share a run; undefined: this one never shares. */
  key: string | undefined;
  state: 'waiting' | 'running' | 'settled' = 'waiting';
  startedMs = 0;
  /** Runners that died while they ran it. */
  crashes = 0;
  /** Where it waits, and who waits next to it; the queue's own. */
  queue: BatchQueue | undefined;
  ahead: Job | undefined;
  behind: Job | undefined;
  readonly #delivery: JobDelivery | undefined;

  /** Without a delivery it is a copy. */
  constructor(request: PredictRequest, home: JobHome, key: string | undefined, delivery: JobDelivery | undefined) {
    this.request = request;
    this.home = home;
    this.key = key;
    this.isCopy = delivery === undefined;
    this.#delivery = delivery;
    this.acceptedMs = performance.now();
    let bytes = 0;
    for (const input of request.inputs) bytes += input.bytes.byteLength;
    this.bytes = bytes;
    if (delivery !== undefined) request.cancellation.onCancel(() => this.fail(callerLeft()));
  }

  answer(prediction: Prediction): void {
    if (this.#close()) this.#delivery?.resolve(prediction);
  }

  fail(error: MusterError): void {
    if (this.#close()) this.#delivery?.reject(error);
  }

  /** False if it was settled before. */
  #close(): boolean {
    if (this.state === 'settled') return false;
    this.home.forget(this);
    this.state = 'settled';
    if (!this.isCopy) this.request.cancellation.onCancel(undefined);
    return true;
  }
}

export function callerLeft(): MusterError {
  return new MusterError('request_cancelled', 'the caller went away');
}

/** The key by which a request may share a run: for one whose rows can be counted, are there, and leave room for another's. */
export function keyOf(request: PredictRequest, maxRows: number): string | undefined {
  const { rows } = request;
  return rows === undefined || rows < 1 || rows >= maxRows ? undefined : mergeKey(request);
}

/** Rows of all; a request whose rows cannot be counted is one. */
export function rowsOf(jobs: readonly Job[]): number {
  return jobs.reduce((rows, job) => rows + (job.request.rows ?? 1), 0);
}
