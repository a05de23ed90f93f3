import type { Problem, Signature, TableFormat } from '@muster-ml/protocol';

/** What the thread that scores is told. Paths are local. */
export interface ScoreTask {
  readonly input: {
    readonly path: string;
    readonly format: TableFormat;
    readonly csv: { readonly delimiter: string; readonly hasHeader: boolean };
  };
  readonly signature: Signature;
  /** Outputs to compute; absent: all. */
  readonly outputs?: readonly string[] | undefined;
  /** Columns of the input that the result has, too. */
  readonly keep: readonly string[];
  readonly result: { readonly path: string; readonly format: TableFormat };
  readonly errorsPath: string;
  /** Where the runner listens, and the replica in it. */
  readonly address: string;
  readonly replica: string;
  readonly software: string;
  /** Most rows of a run, where the owner of the endpoint sets them. */
  readonly maxRows?: number | undefined;
  /** What is on disk already, oldest first. */
  readonly parts: readonly ScorePart[];
  /** What a Parquet result says of itself; numbers of rows and the time are added. */
  readonly facts: Readonly<Record<string, string>>;
  /** The first rows that are checked before the others: a share of all, within limits. */
  readonly firstRows?: { readonly least: number; readonly most: number; readonly share: number } | undefined;
  /** A part is put on disk at least this often while rows are answered. */
  readonly partMs?: number | undefined;
}

/** What of the work is on disk: everything before `toRow`, in files of these sizes. */
export interface ScorePart {
  readonly number: number;
  /** The row that comes next. */
  readonly toRow: number;
  /** Rows without an answer up to there. */
  readonly badRows: number;
  /** Where the reader finds the next row. */
  readonly place: number;
  readonly resultBytes: number;
  readonly errorsBytes: number;
  /** What the writer of the result needs to go on. */
  readonly state: string | null;
}

/** How far the work is. */
export interface WorkProgress {
  readonly rowsDone: number;
  readonly badRows: number;
  /** Null as long as nothing is known of it. */
  readonly rowsTotal: number | null;
  readonly isEstimate: boolean;
  readonly rowsPerSecond: number | null;
  readonly secondsLeft: number | null;
}

/** What the thread says. */
export type WorkMessage =
  /** The table can be read and has what the model takes: from here on a runner is needed. */
  | { readonly kind: 'checked' }
  | { readonly kind: 'progress'; readonly progress: WorkProgress }
  | { readonly kind: 'part'; readonly part: ScorePart }
  /** Both files are whole and on disk. */
  | { readonly kind: 'done'; readonly rows: number; readonly badRows: number }
  | { readonly kind: 'failed'; readonly problem: Problem };
