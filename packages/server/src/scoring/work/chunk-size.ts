/** How many rows go into a run, and what that follows from. */
export interface ChunkLimits {
  /** Time that a run should take: long enough that what surrounds it does not count, short enough to lose little. */
  readonly targetMs: number;
  readonly mostRows: number;
  /** Bytes of the inputs of one run. */
  readonly mostBytes: number;
}

export const defaultChunkLimits: ChunkLimits = { targetMs: 75, mostRows: 65_536, mostBytes: 16 * 1024 * 1024 };

/** Rows of the first run. */
export const firstChunkRows = 100;

/** What the last chunk came to. */
export interface LastChunk {
  readonly rows: number;
  /** Those of them that were run: bad rows take no time. */
  readonly ranRows: number;
  readonly runMs: number;
  /** Of the inputs of the rows that were run. */
  readonly bytes: number;
}

/** Rows of the next chunk: at most four times as many as the last had. */
export function nextChunkRows({ rows, ranRows, runMs, bytes }: LastChunk, limits: ChunkLimits): number {
  const byTime = runMs <= 0 ? Infinity : (ranRows * limits.targetMs) / runMs;
  const bySize = bytes <= 0 ? Infinity : (ranRows * limits.mostBytes) / bytes;
  return Math.max(1, Math.floor(Math.min(byTime, bySize, rows * 4, limits.mostRows)));
}
