import { z } from 'zod';
import { decisionSchema } from './history.ts';
import { someoneSchema } from './someone.ts';
import { modelNameSchema, slugSchema, timeSchema } from './names.ts';
import { pageQuerySchema } from './pages.ts';

/** What a fleet may be ordered by: names forwards; counts and times the highest first. */
export const fleetOrders = ['name', 'team', 'requests', 'errors', 'callers', 'changed'] as const;

export type FleetOrder = (typeof fleetOrders)[number];

/** The hours over which use is counted. */
export const fleetUsageHours = 24;

export const fleetQuerySchema = z.strictObject({
  ...pageQuerySchema.shape,
  team: slugSchema.optional().describe('Endpoints of this team only'),
  search: z
    .string()
    .max(53)
    .regex(/^[a-z0-9-]*$/, 'may hold a-z, 0-9 and hyphens, as names of endpoints do')
    .optional()
    .describe('What the name begins with'),
  standing: z
    .enum(['in production', 'lapsed', 'deployed', 'stopped', 'observed'])
    .optional()
    .describe('Endpoints of this standing only'),
  orphans: z
    .enum(['true', 'false'])
    .transform((text) => text === 'true')
    .optional()
    .describe('Only endpoints without a use case that is accepted'),
  sort: z.enum(fleetOrders).default('name').describe('Names forwards; counts and times the highest first'),
});

export type FleetQuery = z.infer<typeof fleetQuerySchema>;

const servedSchema = z.object({ model: modelNameSchema, version: z.number().int(), sharePercent: z.number() });

/** One endpoint on the page of all. */
export const fleetEndpointSchema = z.object({
  name: slugSchema,
  team: slugSchema,
  /** Whom to ask about it. */
  owner: someoneSchema,
  /** What has traffic now, by role. */
  live: servedSchema.nullable(),
  canary: servedSchema.nullable(),
  shadow: servedSchema.nullable(),
  kind: z.enum(['served', 'observed']),
  /** Why it exists; null for an orphan. */
  useCase: slugSchema.nullable(),
  /** `stopped` where nothing is live. */
  standing: z.enum(['in production', 'lapsed', 'deployed', 'stopped', 'observed']),
  /** Since when it is in production or lapsed. */
  standingSince: timeSchema.nullable(),
  /** Of the last hours; null where this installation does not count it. */
  usage: z
    .object({
      hours: z.number().int(),
      requests: z.number().int(),
      errors: z.number().int(),
      callers: z.number().int(),
    })
    .nullable(),
  /** The last decision about it. */
  changed: z.object({ at: timeSchema, ...decisionSchema.shape }),
  createdAt: timeSchema,
});

export type FleetEndpoint = z.infer<typeof fleetEndpointSchema>;
