import { type Job, rowsOf } from './job.ts';

/** Most bytes that are joined in one run; a single request may be larger. */
const maxBatchBytes = 64 * 1024 * 1024;

/**
 * The requests that wait for one deployment, first come first served. Leaving it costs the same wherever one stands.
 *
 * A chain through the jobs and not a `Set`: a set that is full of what has left it copies itself, and what it was goes
 * on pointing to what it became. Once the garbage collector has taken one of these for old, everybody who passed
 * through the later ones is kept, and copied, until the next full collection. A job that leaves here points to nobody.
 */
export class BatchQueue {
  #first: Job | undefined;
  #last: Job | undefined;
  #size = 0;
  #bytes = 0;
  #rows = 0;

  get size(): number {
    return this.#size;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** Rows that wait; a request without countable rows is one. */
  get rows(): number {
    return this.#rows;
  }

  /** In order; not to be changed meanwhile. */
  *jobs(): Iterable<Job> {
    for (let job = this.#first; job !== undefined; job = job.behind) yield job;
  }

  first(): Job | undefined {
    return this.#first;
  }

  /** A job waits in one queue at a time. */
  add(job: Job): void {
    this.#insert(job, this.#last, undefined);
  }

  /** Puts requests that had their turn already before all others, in their order. */
  addFront(jobs: readonly Job[]): void {
    const next = this.#first;
    for (const job of jobs) this.#insert(job, next === undefined ? this.#last : next.ahead, next);
  }

  /** Takes a job out, if it is in here. */
  remove(job: Job): void {
    if (job.queue !== this) return;
    const { ahead, behind } = job;
    if (ahead === undefined) this.#first = behind;
    else ahead.behind = behind;
    if (behind === undefined) this.#last = ahead;
    else behind.ahead = ahead;
    job.queue = undefined;
    job.ahead = undefined;
    job.behind = undefined;
    this.#size -= 1;
    this.#bytes -= job.bytes;
    this.#rows -= job.request.rows ?? 1;
  }

  /** Rows that the next run would have. */
  rowsOfNext(maxRows: number): number {
    return rowsOf(this.#next(maxRows));
  }

  /** Takes what shares the next run: the first in the queue, and whoever fits to it and into `maxRows`. */
  take(maxRows: number): Job[] {
    const batch = this.#next(maxRows);
    for (const job of batch) this.remove(job);
    return batch;
  }

  /** Everybody, in order; the queue is empty afterwards. */
  takeAll(): Job[] {
    const jobs = [...this.jobs()];
    for (const job of jobs) this.remove(job);
    return jobs;
  }

  #insert(job: Job, ahead: Job | undefined, behind: Job | undefined): void {
    job.queue = this;
    job.ahead = ahead;
    job.behind = behind;
    if (ahead === undefined) this.#first = job;
    else ahead.behind = job;
    if (behind === undefined) this.#last = job;
    else behind.ahead = job;
    this.#size += 1;
    this.#bytes += job.bytes;
    this.#rows += job.request.rows ?? 1;
  }

  #next(maxRows: number): Job[] {
    const batch: Job[] = [];
    let key: string | undefined;
    let rows = 0;
    let bytes = 0;
    for (let job = this.#first; job !== undefined; job = job.behind) {
      const jobRows = job.request.rows ?? 1;
      if (batch.length === 0) {
        batch.push(job);
        if (job.key === undefined) break;
        key = job.key;
      } else if (job.key === key && rows + jobRows <= maxRows && bytes + job.bytes <= maxBatchBytes) {
        batch.push(job);
      } else {
        continue;
      }
      rows += jobRows;
      bytes += job.bytes;
      if (rows >= maxRows) break;
    }
    return batch;
  }
}
