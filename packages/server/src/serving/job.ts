import { MusterError } from '@muster-ml/protocol';
import type { PredictRequest, Prediction } from './faces.ts';
import { mergeKey } from './merging.ts';

/** Who holds a job now; requests move when their deployment ends before they ran. */
export interface JobHome {
  /** The job is settled: it need not be run any more. */
  forget(job: Job): void;
  /** What a job is told whose deadline passed. */
  late(job: Job): MusterError;
}

/** A request on its way through a batcher. It is settled once: by an answer, an error, its deadline or its caller's leaving. */
export interface Job {
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
  state: 'waiting' | 'running' | 'settled';
  startedMs: number;
  /** Runners that died while they ran it. */
  crashes: number;
  /** Delivers the outcome, unless one was delivered before. */
  readonly settle: (outcome: Prediction | MusterError) => void;
}

export interface NewJob {
  readonly home: JobHome;
  readonly isCopy: boolean;
  readonly key: string | undefined;
  readonly deliver: (outcome: Prediction | MusterError) => void;
}

/** Makes a job that settles itself when its deadline passes or, unless it is a copy, when its caller goes away. */
export function createJob(request: PredictRequest, { home, isCopy, key, deliver }: NewJob): Job {
  let bytes = 0;
  for (const input of request.inputs) bytes += input.bytes.byteLength;
  const acceptedMs = performance.now();
  const job: Job = {
    request,
    isCopy,
    bytes,
    acceptedMs,
    home,
    key,
    state: 'waiting',
    startedMs: 0,
    crashes: 0,
    settle: (outcome) => {
      if (job.state === 'settled') return;
      job.home.forget(job);
      job.state = 'settled';
      clearTimeout(timer);
      if (!isCopy) request.cancellation.onCancel(undefined);
      deliver(outcome);
    },
  };
  const timer = setTimeout(() => job.settle(job.home.late(job)), Math.max(1, Math.ceil(request.deadlineMs - acceptedMs)));
  if (!isCopy) request.cancellation.onCancel(() => job.settle(callerLeft()));
  return job;
}

export function callerLeft(): MusterError {
  return new MusterError('request_cancelled', 'the caller went away');
}

/** The key by which a request may share a run: for one whose rows can be counted, are there, and leave room for another's. */
export function keyOf(request: PredictRequest, maxRows: number): string | undefined {
  const { rows } = request;
  return rows === undefined || rows < 1 || rows >= maxRows ? undefined : mergeKey(request);
}
