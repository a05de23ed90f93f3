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

interface Lane {
  readonly name: string;
  readonly jobs: Job[];
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
  /**
   * Only lanes in which something waits, so they are few; the first is served next. Not a `Map`: what it was before it
   * grew goes on pointing to what it became, and so keeps jobs that are long done from being collected.
   */
  #lanes: Lane[] = [];
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
    const known = this.#lane(lane);
    if (known === undefined) this.#lanes.push({ name: lane, jobs: [job] });
    else known.jobs.push(job);
    this.#jobs += 1;
    this.#bytes += job.weightBytes;
    this.#schedule();
    return () => this.#remove(lane, job);
  }

  /** Starts nothing more; resolves when the current job is done. What waits is forgotten. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    this.#lanes = [];
    if (this.#isRunning) await new Promise<void>((resolve) => this.#onIdle.push(resolve));
  }

  #lane(name: string): Lane | undefined {
    return this.#lanes.find((lane) => lane.name === name);
  }

  #remove(name: string, job: Job): boolean {
    const lane = this.#lane(name);
    const index = lane?.jobs.indexOf(job) ?? -1;
    if (lane === undefined || index < 0) return false;
    lane.jobs.splice(index, 1);
    if (lane.jobs.length === 0) this.#lanes.splice(this.#lanes.indexOf(lane), 1);
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
    const lane = this.#isStopped ? undefined : this.#lanes.shift();
    const job = lane?.jobs.shift();
    if (lane === undefined || job === undefined) return undefined;
    // Behind all others: the next turn of this lane comes after theirs.
    if (lane.jobs.length > 0) this.#lanes.push(lane);
    this.#forget(job);
    return job;
  }
}
