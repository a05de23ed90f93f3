import { z } from 'zod';
import { slugSchema, timeSchema } from './names.ts';

/** The way of an endpoint to production, and who has the next step in each part of it. */
export const roadStages = {
  deciding: { text: 'from the proposal until the use case is accepted', waitsFor: 'approver' },
  building: {
    text: 'from there, or the first sign of work, until a version is handed over',
    waitsFor: 'data scientist',
  },
  deploying: { text: 'from the version until it answers', waitsFor: 'data scientist' },
  proving: { text: 'from the first answer until production is asked for', waitsFor: 'operator' },
  approving: { text: 'from being asked for until it is in production', waitsFor: 'approver' },
} as const;

export type RoadStage = keyof typeof roadStages;

export const roadStageSchema = z.enum(Object.keys(roadStages) as [RoadStage, ...RoadStage[]]);

export const timeQuerySchema = z.strictObject({
  team: slugSchema.optional(),
  from: timeSchema.optional().describe('Endpoints that came into production then or later'),
  until: timeSchema.optional().describe('Endpoints that came into production before then'),
});

const spreadSchema = z.object({
  count: z.number().int(),
  medianMs: z.number().nullable(),
  p90Ms: z.number().nullable(),
});

export type Spread = z.infer<typeof spreadSchema>;

/** Times of some endpoints that came into production. */
export const roadTimesSchema = z.object({
  total: spreadSchema,
  stages: z.array(
    z.object({
      stage: roadStageSchema,
      waitsFor: z.string(),
      ...spreadSchema.shape,
      /** Part of all the time that went by, 0 to 1. */
      share: z.number().nullable(),
    }),
  ),
});

export type RoadTimes = z.infer<typeof roadTimesSchema>;

export const timeToProductionSchema = z.object({
  all: roadTimesSchema,
  /** Whose owner brought an endpoint into production for the first time. */
  newcomers: roadTimesSchema,
  teams: z.array(z.object({ team: slugSchema, ...roadTimesSchema.shape })),
  /** Endpoints that are on their way, those that have waited longest in their stage first; at most 100. */
  waiting: z.array(
    z.object({
      endpoint: slugSchema,
      team: slugSchema,
      stage: roadStageSchema,
      waitsFor: z.string(),
      since: timeSchema,
      ms: z.number(),
    }),
  ),
  waitingCount: z.number().int(),
});

export type TimeToProduction = z.infer<typeof timeToProductionSchema>;
