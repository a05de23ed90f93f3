import type { WorkProgress } from './task.ts';

/** Time that a rate is taken over. */
const windowMs = 10_000;

/** Follows how fast rows are done, and says when they will all be. */
export class WorkPace {
  readonly #now: () => number;
  readonly #seen: { readonly at: number; readonly rows: number }[] = [];

  constructor(now: () => number) {
    this.#now = now;
  }

  /** Notes how many rows are done. `total` is exact, or an estimate from the share of the file that has been read. */
  look(rowsDone: number, badRows: number, total: number | undefined, share: number): WorkProgress {
    const now = this.#now();
    this.#seen.push({ at: now, rows: rowsDone });
    while (this.#seen.length > 2 && (this.#seen[1]?.at ?? now) <= now - windowMs) this.#seen.shift();
    const first = this.#seen[0];
    const seconds = first === undefined ? 0 : (now - first.at) / 1000;
    const rate = first === undefined || seconds <= 0 ? null : (rowsDone - first.rows) / seconds;
    const estimate = share > 0 ? Math.max(rowsDone, Math.round(rowsDone / share)) : undefined;
    const rowsTotal = total ?? estimate ?? null;
    return {
      rowsDone,
      badRows,
      rowsTotal,
      isEstimate: total === undefined,
      rowsPerSecond: rate,
      secondsLeft: rate === null || rate <= 0 || rowsTotal === null ? null : Math.max(0, rowsTotal - rowsDone) / rate,
    };
  }
}
