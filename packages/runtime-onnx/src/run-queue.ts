import { setImmediate as turn } from 'node:timers/promises';
import { MusterError } from '@muster-ml/protocol';

/** A piece of work; `weightBytes` is what it keeps in memory while it waits. */
export interface Job {
  readonly weightBytes: number;
  run(): Promise<void>;
}

export interface RunQueueLimits {
  readonly maxJobs: number;
  readonly maxBytes: number;
}

/** Enough for the batches of every replica of a full pack; beyond it the gateway in front is not doing its part. */
export const defaultQueueLimits: RunQueueLimits = { maxJobs: 10_000, maxBytes: 1024 ** 3 };

/**
 * One job at a time, for a process in which a run blocks everything. Jobs of a lane keep their order; lanes take
 * turns, so that one busy replica does not hold up the others. Between two jobs the event loop turns, so that what came
 * in during a run (a cancellation, a signal) counts before the next one begins.
 */
export class RunQueue {
  readonly #limits: RunQueueLimits;
  /** The first lane is served next. */
  readonly #lanes = new Map<string, Job[]>();
  #jobs = 0;
  #bytes = 0;
  #isRunning = false;
  #isStopped = false;
  #onIdle: (() => void)[] = [];

  constructor(limits: RunQueueLimits = defaultQueueLimits) {
    this.#limits = limits;
  }

  /** Adds a job to the end of a lane; the answer takes it out again and says whether it had not begun. Throws `queue_full`. */
  add(lane: string, job: Job): () => boolean {
    if (
      this.#jobs >= this.#limits.maxJobs ||
      (this.#jobs > 0 && this.#bytes + job.weightBytes > this.#limits.maxBytes)
    ) {
      throw new MusterError('queue_full', `${this.#jobs} requests with ${this.#bytes} bytes wait in this runner`, {
        retryAfterSeconds: 1,
      });
    }
    const jobs = this.#lanes.get(lane);
    if (jobs === undefined) this.#lanes.set(lane, [job]);
    else jobs.push(job);
    this.#jobs += 1;
    this.#bytes += job.weightBytes;
    this.#schedule();
    return () => this.#remove(lane, job);
  }

  /** Starts nothing more; resolves when the current job is done. What waits is forgotten. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    this.#lanes.clear();
    if (this.#isRunning) await new Promise<void>((resolve) => this.#onIdle.push(resolve));
  }

  #remove(lane: string, job: Job): boolean {
    const jobs = this.#lanes.get(lane);
    const index = jobs?.indexOf(job) ?? -1;
    if (jobs === undefined || index < 0) return false;
    jobs.splice(index, 1);
    if (jobs.length === 0) this.#lanes.delete(lane);
    this.#forget(job);
    return true;
  }

  #forget(job: Job): void {
    this.#jobs -= 1;
    this.#bytes -= job.weightBytes;
  }

  #schedule(): void {
    if (this.#isRunning || this.#isStopped) return;
    this.#isRunning = true;
    void this.#work();
  }

  async #work(): Promise<void> {
    for (let job = this.#take(); job !== undefined; job = this.#take()) {
      await job.run();
      await turn();
    }
    this.#isRunning = false;
    for (const resolve of this.#onIdle.splice(0)) resolve();
  }

  #take(): Job | undefined {
    if (this.#isStopped) return undefined;
    for (const [lane, jobs] of this.#lanes) {
      this.#lanes.delete(lane);
      const job = jobs.shift();
      if (job === undefined) continue;
      // Behind all others: the next turn of this lane comes after theirs.
      if (jobs.length > 0) this.#lanes.set(lane, jobs);
      this.#forget(job);
      return job;
    }
    return undefined;
  }
}
