import { MusterError, quoteName } from '@muster-ml/protocol';
import type { Fault } from '../tables/table.ts';

/** The first rows that are answered and looked at before the others: a share of all, within limits. */
export const defaultFirstRows = { least: 100, most: 10_000, share: 0.01 };

/** Reasons that are told apart when they are counted. */
const mostReasons = 1000;
/** Reasons that an error names. */
const namedReasons = 5;

/** How many rows are looked at first of so many; undefined where it is not known how many there are. */
export function firstRowsOf(total: number | undefined, { least, most, share }: typeof defaultFirstRows): number {
  return Math.max(least, Math.min(most, Math.ceil((total ?? 0) * share)));
}

/** Counts why rows are bad. */
export class Reasons {
  readonly #counts = new Map<string, number>();

  add({ column, reason }: Fault): void {
    // What a model says of a row behind the colon differs from row to row.
    const key = column === null ? (reason.split(':', 1)[0] ?? reason) : `${quoteName(column)} ${reason}`;
    if (this.#counts.size < mostReasons || this.#counts.has(key))
      this.#counts.set(key, (this.#counts.get(key) ?? 0) + 1);
  }

  /** Throws `too_many_bad_rows` where more than half of the first rows are bad: the rest would be no better. */
  judge(rows: number, bad: number): void {
    if (bad * 2 <= rows) return;
    const named = [...this.#counts].toSorted(([, a], [, b]) => b - a).slice(0, namedReasons);
    const list = named.map(([reason, count]) => `${count} × ${reason}`).join('; ');
    throw new MusterError('too_many_bad_rows', `${bad} of the first ${rows} rows are bad: ${list}`);
  }
}
