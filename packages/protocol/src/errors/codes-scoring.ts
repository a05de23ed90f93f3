import { codes } from './kind.ts';

/** Codes of scoring: tables that are answered row by row in the background. */
export const scoringCodes = codes({
  score_not_found: {
    kind: 'not_found',
    title: 'There is no such score',
    remedy: 'Check its id; results are removed 30 days after their end.',
  },
  score_not_finished: {
    kind: 'failed_precondition',
    title: 'The score has no result',
    remedy: 'Wait for its operation to succeed, or see why it failed.',
  },
  score_running: {
    kind: 'conflict',
    title: 'The score is running',
    remedy: 'Cancel its operation first, or wait for its end.',
  },
  invalid_table: {
    kind: 'invalid',
    title: 'The table cannot be read',
    remedy:
      'Write it again as Parquet, as CSV in UTF-8 with the names of the columns in the first line, or as JSONL with an object a line.',
  },
  columns_missing: {
    kind: 'invalid',
    title: 'The table lacks columns that the model takes',
    remedy:
      'Add the columns that are named, or rename those that the table has; muster endpoint show lists what the model takes.',
  },
  too_many_bad_rows: {
    kind: 'failed_precondition',
    title: 'Most of the first rows are bad',
    remedy: 'Change what the detail counts most, then score again: nothing behind the first rows was run.',
  },
  scoring_crashes: {
    kind: 'failed_precondition',
    title: 'The model keeps ending its runner',
    remedy: 'See muster endpoint logs for what the runner said; more memory (resources.memoryBytes) may help.',
  },
});
