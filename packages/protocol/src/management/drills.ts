import { z } from 'zod';
import { someoneSchema } from './someone.ts';
import { slugSchema, timeSchema } from './names.ts';

/** `load`: within its objective (R20). `failover`: a runner's death and a roll-out under load (R21). `rollback`: there and back (R22). */
export const drillKinds = ['load', 'failover', 'rollback'] as const;

export const drillKindSchema = z.enum(drillKinds);

export type DrillKind = z.infer<typeof drillKindSchema>;

/** The check that each drill is evidence for. */
export const drillChecks = { load: 'R20', failover: 'R21', rollback: 'R22' } as const satisfies Record<
  DrillKind,
  string
>;

export const drillSettingsSchema = z.strictObject({
  seconds: z.number().int().min(2).max(600).default(20).describe('How long there is load'),
  requestsPerSecond: z
    .number()
    .min(1)
    .max(10_000)
    .optional()
    .describe('Load; default: what the objective names, else 10'),
  maxInFlight: z.number().int().min(1).max(256).default(16).describe('Requests that wait at the same time, at most'),
});

export type DrillSettings = z.output<typeof drillSettingsSchema>;

/** Starts a drill on the real deployment: callers share it for that time. */
export const startDrillSchema = z.strictObject({ kind: drillKindSchema, ...drillSettingsSchema.shape });

export const setDrillScheduleSchema = z.strictObject({
  everyDays: z.number().int().min(1).max(365),
  settings: drillSettingsSchema.prefault({}),
});

export const drillScheduleSchema = z.object({
  endpoint: slugSchema,
  kind: drillKindSchema,
  everyDays: z.number().int(),
  settings: drillSettingsSchema,
  nextAt: timeSchema,
  lastAt: timeSchema.nullable(),
  /** Why the last one could not be done, or what it found, in a sentence. */
  lastOutcome: z.string().nullable(),
  set: z.object({ by: someoneSchema, at: timeSchema }),
});

export type DrillSchedule = z.infer<typeof drillScheduleSchema>;
