import { z } from 'zod';
import { slugSchema, timeSchema } from './names.ts';

/** How long calls are kept by hour. */
export const keptUsageDays = 400;

/** Stands for callers that a gateway did not keep apart because there were too many. */
export const otherCallers = 'other';

export const callersQuerySchema = z.strictObject({
  hours: z.coerce
    .number()
    .int()
    .min(1)
    .max(keptUsageDays * 24)
    .default(24)
    .describe('How far back; counted from the begin of that hour (UTC)'),
  limit: z.coerce.number().int().min(1).max(1000).default(100).describe('Callers to name, those with most calls first'),
});

export type CallersQuery = z.infer<typeof callersQuerySchema>;

const count = z.number().int();

const usageSchema = z.object({
  /** Calls that were let in. */
  requests: count,
  /** Of those, the ones that failed by what was sent, or because their caller went away. */
  clientErrors: count,
  /** Of those, the ones that failed at the endpoint. */
  serverErrors: count,
  /** Calls that the caller’s own limits refused; they are not among the requests. */
  refused: count,
  /** Rows of the requests that were answered. */
  rows: count,
  /** Time inside the model; of a run that was shared, the part of these rows. */
  runMs: z.number(),
});

export type UsageTotals = z.infer<typeof usageSchema>;

export const callerSchema = usageSchema.extend({
  /** Id; `other` for callers that were not kept apart. */
  actor: z.string(),
  /** Null where you may not see who it is. */
  name: z.string().nullable(),
  lastCallAt: timeSchema,
  /** By version of the deployment that answered; both empty for calls that ended before one was chosen. */
  versions: z.array(usageSchema.extend({ model: z.string(), version: z.string() })),
});

export type EndpointCaller = z.infer<typeof callerSchema>;

export const callersSchema = z.object({
  endpoint: slugSchema,
  /** Begin of the first hour that is counted. */
  from: timeSchema,
  to: timeSchema,
  total: usageSchema,
  /** Those with most calls first. */
  callers: z.array(callerSchema),
  /** Callers beyond the limit; their calls are in the total. */
  omitted: count,
});

export type EndpointCallers = z.infer<typeof callersSchema>;
