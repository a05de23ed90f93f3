import { type Job, rowsOf } from './job.ts';
import type { Slot } from './replica-pool.ts';
import type { RunnerConnection } from './runner-connection.ts';

interface Run {
  readonly batch: readonly Job[];
  readonly slot: Slot;
}

/** The batches of one deployment that were sent and are not answered, in that order. They are few: about one a replica. */
export class RunsInFlight {
  readonly #runs: Run[] = [];

  get size(): number {
    return this.#runs.length;
  }

  add(batch: readonly Job[], slot: Slot): void {
    this.#runs.push({ batch, slot });
  }

  /** The batch is back; false if it was forgotten meanwhile. */
  end(batch: readonly Job[]): boolean {
    const index = this.#runs.findIndex((run) => run.batch === batch);
    if (index < 0) return false;
    this.#runs.splice(index, 1);
    return true;
  }

  /** Forgets what else was sent to a runner. */
  forget(runner: RunnerConnection): void {
    const others = this.#runs.filter(({ slot }) => slot.runner !== runner);
    this.#runs.splice(0, this.#runs.length, ...others);
  }

  /** Everybody in them. */
  jobs(): Job[] {
    return this.#runs.flatMap(({ batch }) => batch);
  }

  /** Rows of the smallest, `most` if all have more. */
  fewestRows(most: number): number {
    return this.#runs.reduce((rows, { batch }) => Math.min(rows, rowsOf(batch)), most);
  }
}
