import { z } from 'zod';
import { problemSchema } from '../errors/problem.ts';
import { modelNameSchema, sha256Schema, slugSchema, timeSchema } from './names.ts';

/** What tables come in and go out as. JSONL is one object a line. */
export const tableFormatSchema = z.enum(['parquet', 'csv', 'jsonl']);

export type TableFormat = z.infer<typeof tableFormatSchema>;

const columnSchema = z.string().min(1).max(256);

/**
 * Scores a table: every row of an uploaded file is answered by the version that is live (or canary) under the endpoint at
 * this moment. Columns go to the model's inputs by their names; others are left alone.
 */
export const startScoreSchema = z.strictObject({
  digest: sha256Schema.describe('SHA-256 of the uploaded table'),
  format: tableFormatSchema,
  resultFormat: tableFormatSchema.optional().describe('As the input by default'),
  role: z.enum(['live', 'canary']).default('live').describe('Whose version answers'),
  outputs: z.array(columnSchema).min(1).max(1000).optional().describe('Outputs to compute; all by default'),
  keep: z.array(columnSchema).max(10_000).default([]).describe('Columns of the input that the result has, too'),
  csv: z
    .strictObject({
      delimiter: z
        .string()
        .length(1)
        .regex(/[^"\r\n\w]/u, 'not a letter, digit, quote or line end')
        .default(','),
      hasHeader: z
        .boolean()
        .default(true)
        .describe('Without names in the first line, columns are in the order of the model'),
    })
    .prefault({})
    .describe('How an input in CSV is written'),
});

export type StartScore = z.infer<typeof startScoreSchema>;

/** How far a score is. Rates and times are those of the last moments. */
export const scoreProgressSchema = z.object({
  /** Rows that are answered or refused, and are on disk or about to be. */
  rowsDone: z.number().int(),
  /** Rows there are; null while it is not known. CSV and JSONL say it only at the end, until then it is an estimate. */
  rowsTotal: z.number().int().nullable(),
  isEstimate: z.boolean(),
  badRows: z.number().int(),
  rowsPerSecond: z.number().nullable(),
  /** When it is expected to end. */
  endsAt: timeSchema.nullable(),
});

export type ScoreProgress = z.infer<typeof scoreProgressSchema>;

/** A batch of predictions: its rows, the version that answers them and what came of it. */
export const scoreSchema = z.object({
  id: z.string(),
  endpoint: slugSchema,
  team: slugSchema,
  state: z.enum(['running', 'succeeded', 'failed', 'cancelled']),
  /** The operation that carries it out; cancelling that stops it. */
  operation: z.string(),
  role: z.enum(['live', 'canary']),
  /** The version that was live (or canary) when it was asked for, and answers every row. */
  model: modelNameSchema,
  version: z.number().int(),
  versionDigest: sha256Schema,
  input: z.object({ digest: sha256Schema, sizeBytes: z.number().int(), format: tableFormatSchema }),
  resultFormat: tableFormatSchema,
  outputs: z.array(z.string()).nullable(),
  keep: z.array(z.string()),
  progress: scoreProgressSchema,
  /** The table of answers: a column `row` (from 0, as in the input), the columns kept, and the outputs. */
  result: z.object({ digest: sha256Schema, sizeBytes: z.number().int(), rows: z.number().int() }).nullable(),
  /** Rows without an answer, as JSONL of `{row, column, reason}`: no values. Null where there is none. */
  errors: z.object({ digest: sha256Schema, sizeBytes: z.number().int(), rows: z.number().int() }).nullable(),
  problem: problemSchema.nullable(),
  createdAt: timeSchema,
  createdBy: z.string(),
  finishedAt: timeSchema.nullable(),
  /** When result and errors are removed; null while it runs. */
  expiresAt: timeSchema.nullable(),
});

export type Score = z.infer<typeof scoreSchema>;
