import type { LoadFound, LoadNow } from './load-task.ts';
import { type Outcome, Tally } from './tally.ts';

export interface OpenLoopOptions {
  readonly requestsPerSecond: number;
  readonly maxInFlight: number;
  readonly seconds: number;
  readonly isOpenEnded: boolean;
  /** How long after the end what is due may still be sent. */
  readonly graceMs: number;
  /** Sends the n-th request; never rejects. */
  readonly send: (index: number) => Promise<Outcome>;
  /** Milliseconds, of a clock that only goes forward. */
  readonly nowMs: () => number;
}

/** Requests at a fixed rate, whatever the answers do. */
export interface OpenLoop {
  readonly done: Promise<LoadFound>;
  now(): LoadNow;
  /** No request falls due from now on, once the least time is over; those that are due are still sent. */
  end(): void;
}

/**
 * Open loop: each request has a time at which it is due, and its latency counts from then, also where it had to wait for
 * one of `maxInFlight` places. A system that slows down is not asked less, so that its slowness does not hide itself. What
 * could not be sent soon after the end counts as failed. Timers are late by a millisecond at most, which counts, too.
 */
export function startOpenLoop(options: OpenLoopOptions): OpenLoop {
  const { requestsPerSecond, maxInFlight, seconds, isOpenEnded, graceMs, send, nowMs } = options;
  const intervalMs = 1000 / requestsPerSecond;
  const startedAt = nowMs();
  const leastRequests = Math.max(1, Math.round(seconds * requestsPerSecond));
  const tally = new Tally();
  const end = Promise.withResolvers<LoadFound>();
  let total = isOpenEnded ? Number.POSITIVE_INFINITY : leastRequests;
  let next = 0;
  let inFlight = 0;
  let timer: NodeJS.Timeout | undefined;
  let isDone = false;
  const dueAt = (index: number): number => startedAt + index * intervalMs;

  function pump(): void {
    clearTimeout(timer);
    if (isDone) return;
    const now = nowMs();
    while (next < total && inFlight < maxInFlight && dueAt(next) <= now && !isTooLate(now)) begin(next++);
    if (next < total && isTooLate(now)) {
      tally.fail('not sent in time', total - next);
      next = total;
    }
    if (next >= total) return finish();
    if (inFlight < maxInFlight) timer = setTimeout(pump, Math.max(0, Math.min(dueAt(next), lateAt()) - now));
    else timer = setTimeout(pump, Math.min(1000, Math.max(0, lateAt() - now)));
  }

  function lateAt(): number {
    return dueAt(total) + graceMs;
  }

  function isTooLate(now: number): boolean {
    return now > lateAt();
  }

  function begin(index: number): void {
    inFlight += 1;
    void send(index).then((outcome) => {
      inFlight -= 1;
      tally.note(outcome, nowMs() - dueAt(index));
      pump();
    });
  }

  function finish(): void {
    if (inFlight > 0) return;
    isDone = true;
    end.resolve(tally.found(nowMs() - startedAt));
  }

  pump();
  return {
    done: end.promise,
    now: () => tally.now(next),
    end() {
      if (!isOpenEnded) return;
      const due = Math.ceil((nowMs() - startedAt) / intervalMs);
      total = Math.min(total, Math.max(leastRequests, due));
      pump();
    },
  };
}
