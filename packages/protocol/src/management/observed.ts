import { z } from 'zod';
import { slugSchema, tagsSchema, timeSchema } from './names.ts';

/** Where a description of an endpoint that runs elsewhere came from. */
export const observedSources = ['hand', 'csv', 'mlflow', 'manifest'] as const;

export const observedSourceSchema = z.enum(observedSources);

export const probeUrlSchema = z
  .url({ protocol: /^https?$/ })
  .max(2000)
  .refine((url) => new URL(url).username === '' && new URL(url).password === '', 'may not hold a user or a password')
  .describe('Address that answers with 2xx while the endpoint is well; its host has to be in observing.allowedHosts');

/** An endpoint that Muster does not serve, but lists and watches. */
export const observeSchema = z.strictObject({
  name: slugSchema,
  team: slugSchema.default('default'),
  description: z.string().max(10_000).default(''),
  owner: z.string().min(1).max(100).optional().describe('Id or name of the actor; who adds it by default'),
  useCase: slugSchema.optional(),
  platform: z.string().min(1).max(100).describe('What serves it, such as kserve, seldon, triton or sagemaker'),
  location: z.string().max(1000).default('').describe('Where it is, such as a namespace or a host'),
  model: z.string().max(256).optional().describe('What it serves'),
  version: z.string().max(100).optional().describe('Which version of it'),
  probe: probeUrlSchema.optional(),
  runbook: z
    .url({ protocol: /^https?$/ })
    .max(2000)
    .optional(),
  tags: tagsSchema.default({}),
});

export type Observe = z.output<typeof observeSchema>;

export const updateObservedSchema = z.strictObject({
  platform: observeSchema.shape.platform.optional(),
  location: z.string().max(1000).optional(),
  model: z.string().max(256).nullable().optional(),
  version: z.string().max(100).nullable().optional(),
  probe: probeUrlSchema.nullable().optional(),
});

/** What callers of an endpoint elsewhere saw over some time, pushed by whoever measures it. */
export const observationSchema = z
  .strictObject({
    from: timeSchema,
    until: timeSchema,
    requests: z.number().int().min(0).max(1e15),
    errors: z.number().int().min(0).max(1e15),
    p50Ms: z.number().min(0).max(1e9).optional(),
    p95Ms: z.number().min(0).max(1e9).optional(),
    p99Ms: z.number().min(0).max(1e9).optional(),
  })
  .refine(({ from, until }) => Date.parse(from) < Date.parse(until), { message: 'is after `from`', path: ['until'] })
  .refine(({ requests, errors }) => errors <= requests, { message: 'is at most `requests`', path: ['errors'] });

export const observedSchema = z.object({
  name: slugSchema,
  team: slugSchema,
  platform: z.string(),
  location: z.string(),
  model: z.string().nullable(),
  version: z.string().nullable(),
  source: observedSourceSchema,
  probe: z
    .object({
      url: z.string(),
      /** Null before the first look. */
      ok: z.boolean().nullable(),
      at: timeSchema.nullable(),
      status: z.number().int().nullable(),
      ms: z.number().nullable(),
      /** Why it is not ok, in a sentence. */
      problem: z.string().nullable(),
    })
    .nullable(),
  /** The newest that was pushed. */
  observation: observationSchema.nullable(),
});

export type Observed = z.infer<typeof observedSchema>;

export const importObservedSchema = z.strictObject({
  source: observedSourceSchema,
  items: z.array(observeSchema).min(1).max(1000),
  dryRun: z.boolean().default(false).describe('Say what would happen, and change nothing'),
});

/** What happened, or would, to each item, in their order. */
export const importResultSchema = z.object({
  items: z.array(
    z.object({
      name: z.string(),
      result: z.enum(['added', 'updated', 'unchanged', 'refused']),
      /** Why it was refused, with the remedy. */
      problem: z.object({ code: z.string(), detail: z.string(), remedy: z.string() }).nullable(),
    }),
  ),
});

export type ImportResult = z.infer<typeof importResultSchema>;
