import { z } from 'zod';
import { roleSchema } from './endpoints.ts';
import { modelNameSchema, slugSchema, timeSchema, versionNumberSchema } from './names.ts';
import { pageQuerySchema } from './pages.ts';
import { someoneSchema } from './someone.ts';

/**
 * Which times of the history are wanted: those that lasted at `at`, or those that lasted at any time from `from` until
 * before `until`. What is absent does not matter.
 */
export const historyQuerySchema = z.strictObject({
  ...pageQuerySchema.shape,
  at: timeSchema.optional().describe('What had traffic then; without `from` and `until`'),
  from: timeSchema.optional().describe('What had traffic then or later'),
  until: timeSchema.optional().describe('What had traffic before then'),
  endpoint: slugSchema.optional().describe('Name of an endpoint, also of one that is deleted'),
  model: modelNameSchema.optional().describe('Name of a model'),
  version: versionNumberSchema.optional().describe('Version of the model'),
});

export type HistoryQuery = z.infer<typeof historyQuerySchema>;

/** By whose decision something happened, and the entry of the ledger that proves it. */
export const decisionSchema = z.object({
  /** Null where nobody decided it. */
  by: someoneSchema.nullable(),
  /** Such as `endpoint.promote`; null where it was decided before there was a history. */
  action: z.string().nullable(),
  /** Number of the entry, for `muster audit prove`. */
  entry: z.number().int().nullable(),
});

export type HistoryDecision = z.infer<typeof decisionSchema>;

/** One time in which a version had traffic under an endpoint, in one role and at one share. */
export const historyIntervalSchema = z.object({
  endpoint: slugSchema,
  team: slugSchema,
  /** Whether the endpoint is deleted since; another may have its name. */
  deleted: z.boolean(),
  deployment: z.string(),
  model: modelNameSchema,
  version: z.number().int(),
  role: roleSchema,
  /** Percent of the requests that it answered, or got copies of. */
  sharePercent: z.number(),
  from: timeSchema,
  /** Null while it lasts. */
  until: timeSchema.nullable(),
  /** By which it began. */
  decision: decisionSchema,
  /** By which it ended; null while it lasts. */
  end: decisionSchema.nullable(),
  /** What ended it where nobody decided: `quarantined`, `no-replica`. */
  why: z.string().nullable(),
});

export type HistoryInterval = z.infer<typeof historyIntervalSchema>;
