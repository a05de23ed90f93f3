/** A size is as good as the best if a row costs no more than this much of what it costs there. */
const tolerance = 1.05;

/** Each so-manieth run may be as large as the deployment allows, so that a limit found once is found again if things change. */
const exploreEvery = 32;

/** What the gateway and the link add to a run, whatever its size. It counts: it is what merging saves for the smallest models. */
const overheadMicros = 100;

/** Share of a new measurement in the average of its size. */
const weight = 0.2;

/** Runs of a size before its average is believed. */
const believedAfter = 3;

/**
 * How many rows a run of this model should have: a network may run 64 rows in the time of one, a forest takes as long
 * for each row, and then larger runs only let the first rows wait for the last. Learns the cost of a row at each power
 * of two, and stops at the smallest size whose rows are about as cheap as at the best.
 */
export interface RowGain {
  /** Rows from which on a larger run gains nothing, as far as is known. */
  readonly limit: number;
  /** Most rows of the next run, at most `maxRows`. */
  next(): number;
  observe(rows: number, runMicros: number): void;
}

export function createRowGain(maxRows: number): RowGain {
  const sizes = bucketOf(maxRows) + 1;
  const micros = new Float64Array(sizes);
  const seen = new Uint32Array(sizes);
  let limit = maxRows;
  let runs = 0;

  const decide = (): number => {
    let best = Number.POSITIVE_INFINITY;
    for (let size = 0; size < sizes; size += 1)
      if ((seen[size] ?? 0) >= believedAfter) best = Math.min(best, micros[size] ?? best);
    for (let size = 0; size < sizes; size += 1) {
      if ((seen[size] ?? 0) >= believedAfter && (micros[size] ?? 0) <= best * tolerance)
        return Math.min(maxRows, 2 ** size);
    }
    return maxRows;
  };

  return {
    get limit() {
      return limit;
    },
    next: () => {
      runs += 1;
      return runs % exploreEvery === 0 ? maxRows : limit;
    },
    observe: (rows, runMicros) => {
      if (rows < 1 || rows > maxRows) return;
      const size = bucketOf(rows);
      const perRow = (runMicros + overheadMicros) / rows;
      const known = seen[size] ?? 0;
      micros[size] = known === 0 ? perRow : (micros[size] ?? perRow) * (1 - weight) + perRow * weight;
      seen[size] = known + 1;
      limit = decide();
    },
  };
}

/** 1 → 0, 2 → 1, 3…4 → 2, 5…8 → 3: the power of two that holds the rows. */
function bucketOf(rows: number): number {
  return rows <= 1 ? 0 : 32 - Math.clz32(rows - 1);
}
