import { type Job, rowsOf } from './job.ts';

/** Most bytes that are joined in one run; a single request may be larger. */
const maxBatchBytes = 64 * 1024 * 1024;

/** The requests that wait for one deployment, first come first served. Leaving it costs the same wherever one stands. */
export class BatchQueue {
  readonly #jobs = new Set<Job>();
  #bytes = 0;
  #rows = 0;

  get size(): number {
    return this.#jobs.size;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** Rows that wait; a request without countable rows is one. */
  get rows(): number {
    return this.#rows;
  }

  /** In order; not to be changed meanwhile. */
  jobs(): Iterable<Job> {
    return this.#jobs;
  }

  first(): Job | undefined {
    for (const job of this.#jobs) return job;
    return undefined;
  }

  add(job: Job): void {
    this.#jobs.add(job);
    this.#bytes += job.bytes;
    this.#rows += job.request.rows ?? 1;
  }

  /** Puts requests that had their turn already before all others, in their order. */
  addFront(jobs: readonly Job[]): void {
    const waiting = [...this.#jobs];
    this.#jobs.clear();
    this.#bytes = 0;
    this.#rows = 0;
    for (const job of jobs) this.add(job);
    for (const job of waiting) this.add(job);
  }

  remove(job: Job): void {
    if (!this.#jobs.delete(job)) return;
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
    const jobs = [...this.#jobs];
    for (const job of jobs) this.remove(job);
    return jobs;
  }

  #next(maxRows: number): Job[] {
    const batch: Job[] = [];
    let key: string | undefined;
    let rows = 0;
    let bytes = 0;
    for (const job of this.#jobs) {
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
