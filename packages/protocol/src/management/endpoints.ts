import { z } from 'zod';
import { problemSchema } from '../errors/problem.ts';
import { aliasSchema, modelNameSchema, slugSchema, tagsSchema, timeSchema, versionNumberSchema } from './names.ts';
import { signatureSchema } from './inference-schemas.ts';
import { secretVariablesSchema } from './secrets.ts';
import { someoneSchema } from './someone.ts';

/** What a deployment does under its endpoint: answer, answer a share, or get copies. */
export const roleSchema = z.enum(['live', 'canary', 'shadow']);

export type DeploymentRole = z.infer<typeof roleSchema>;

export const batchingSchema = z.strictObject({
  maxRows: z
    .number()
    .int()
    .min(1)
    .max(65_536)
    .optional()
    .describe(
      'Most rows in one run: merging stops there, and a larger inference request is refused. Left out: up to 64 are merged, and a larger request runs alone. 1 turns merging off',
    ),
  waitMs: z
    .number()
    .min(0)
    .max(1000)
    .default(0)
    .describe('Longest time a request may wait for others; 0 still merges what queued while the model ran'),
});

export const resourcesSchema = z.strictObject({
  cpu: z.number().positive().max(256).optional().describe('Cores'),
  memoryBytes: z
    .number()
    .int()
    .min(32 * 1024 * 1024)
    .optional()
    .describe('Most memory of the runner; above it the runner is restarted'),
});

export const onnxOptionsSchema = z.strictObject({
  intraOpThreads: z
    .number()
    .int()
    .min(0)
    .max(256)
    .default(1)
    .describe("Threads within one run; 0 is the runtime's choice"),
  memoryArena: z.boolean().default(false),
  executionProviders: z.array(z.string().min(1).max(50)).min(1).max(8).default(['cpu']),
  graphOptimization: z.enum(['disabled', 'basic', 'extended', 'all']).default('all'),
});

export const pythonOptionsSchema = z.strictObject({
  threads: z
    .number()
    .int()
    .min(1)
    .max(256)
    .default(1)
    .describe('Threads that numeric libraries may use within one run (OMP_NUM_THREADS and its kin)'),
});

/** How a version is served. A pack of small models of one team is the default; `resources` or `ownRunner` gives a runner of its own. */
export const servingSettingsSchema = z.strictObject({
  replicas: z.number().int().min(1).max(64).default(1),
  ownRunner: z.boolean().default(false),
  resources: resourcesSchema.default({}),
  batching: batchingSchema.prefault({}),
  onnx: onnxOptionsSchema.prefault({}),
  python: pythonOptionsSchema.prefault({}),
  secrets: secretVariablesSchema
    .optional()
    .describe('Secrets that a model run by Python finds in its environment: variable → secret://team/name'),
});

export type ServingSettings = z.infer<typeof servingSettingsSchema>;

/** What callers may count on, and what load tests measure against. */
export const objectiveSchema = z.strictObject({
  latencyMs: z.number().positive().max(3_600_000).describe('What the percentile of the latency may reach'),
  percentile: z
    .number()
    .refine((percentile) => [50, 90, 95, 99].includes(percentile), 'must be 50, 90, 95 or 99')
    .default(95)
    .describe('Which percentile: 50, 90, 95 or 99'),
  errorPercent: z.number().min(0).max(100).default(1).describe('Most requests that may fail, in percent'),
  requestsPerSecond: z.number().positive().max(100_000).default(10).describe('Load under which both hold'),
});

export type Objective = z.output<typeof objectiveSchema>;

export const runbookSchema = z
  .url({ protocol: /^https?$/ })
  .max(2000)
  .refine((url) => new URL(url).username === '' && new URL(url).password === '', 'may not hold a user or a password')
  .describe('Page that says what to do when something is wrong');

export const endpointLimitsSchema = z.strictObject({
  timeoutMs: z.number().int().min(1).max(3_600_000).default(10_000),
  bodyBytes: z
    .number()
    .int()
    .min(1024)
    .max(2_147_483_647)
    .default(64 * 1024 * 1024),
  queue: z
    .number()
    .int()
    .min(1)
    .max(1_000_000)
    .default(1024)
    .describe('Requests that may wait; more are refused with 429'),
});

export type EndpointLimits = z.infer<typeof endpointLimitsSchema>;

/** Where a deployment is on its way. `ready` means that each of its replicas has answered and still does. */
export const deploymentStateSchema = z.enum([
  'starting',
  'ready',
  'unready',
  'failed',
  'quarantined',
  'draining',
  'ended',
]);

export type DeploymentState = z.infer<typeof deploymentStateSchema>;

export const replicaSchema = z.object({
  id: z.string(),
  runner: z.string(),
  state: z.enum(['waiting', 'loading', 'ready', 'failed', 'unready']),
  loadMs: z.number().optional(),
  memoryBytes: z.number().optional(),
  problem: problemSchema.optional(),
});

export const deploymentSchema = z.object({
  id: z.string(),
  endpoint: slugSchema,
  model: modelNameSchema,
  version: z.number().int(),
  role: roleSchema,
  /** Share of the requests in percent: 100 for the only live one, what the canary leaves, or what the shadow copies. */
  sharePercent: z.number(),
  state: deploymentStateSchema,
  problem: problemSchema.optional(),
  settings: servingSettingsSchema,
  replicas: z.array(replicaSchema),
  createdAt: timeSchema,
  createdBy: z.string(),
  readyAt: timeSchema.nullable(),
  endedAt: timeSchema.nullable(),
});

export type Deployment = z.infer<typeof deploymentSchema>;

/** An endpoint that answers is `deployed`. It is `in production` only while its verdict holds, and `lapsed` afterwards. */
export const endpointSchema = z.object({
  name: slugSchema,
  team: slugSchema,
  /** `observed`: something else serves it. */
  kind: z.enum(['served', 'observed']),
  /** Whom to ask about it. */
  owner: someoneSchema,
  /** Why it exists; null for an orphan. */
  useCase: slugSchema.nullable(),
  /** The service-level objective. */
  objective: objectiveSchema.nullable(),
  runbook: z.string().nullable(),
  description: z.string(),
  tags: tagsSchema,
  limits: endpointLimitsSchema,
  standing: z.enum(['in production', 'lapsed', 'deployed', 'not deployed', 'observed']),
  ready: z.boolean(),
  signature: signatureSchema.nullable(),
  deployments: z.array(deploymentSchema),
  /** What `rollback` would bring back. */
  previous: z.object({ model: modelNameSchema, version: z.number().int() }).nullable(),
  revision: z.number().int(),
  createdAt: timeSchema,
  createdBy: z.string(),
});

export type Endpoint = z.infer<typeof endpointSchema>;

export const updateEndpointSchema = z.strictObject({
  description: z.string().max(10_000).optional(),
  tags: tagsSchema.optional(),
  limits: endpointLimitsSchema.partial().optional(),
  owner: z.string().min(1).max(100).optional().describe('Id or name of an actor'),
  useCase: slugSchema.nullable().optional().describe('A use case of the same team that is not declined or retired'),
  objective: objectiveSchema.nullable().optional(),
  runbook: runbookSchema.nullable().optional(),
});

/**
 * Deploys a version under an endpoint, which is made if it does not exist.
 *
 * `role: live` replaces the live version once the new one is ready; `canary` answers `sharePercent` of the requests;
 * `shadow` gets copies of `sharePercent` of them. A version by `alias` is resolved now and pinned.
 */
export const deploySchema = z
  .strictObject({
    model: modelNameSchema,
    version: versionNumberSchema.optional(),
    alias: aliasSchema.optional(),
    role: roleSchema.default('live'),
    sharePercent: z
      .number()
      .min(0)
      .max(100)
      .optional()
      .describe('Canary: required. Shadow: 100 by default. Live: not allowed.'),
    settings: servingSettingsSchema.prefault({}),
    team: slugSchema.optional().describe('Owner of a new endpoint; the team of the model by default'),
    useCase: slugSchema.optional().describe('Why the endpoint exists; the one that it has stays by default'),
    force: slugSchema
      .optional()
      .describe('The name of the endpoint, to deploy although callers would break or the version is quarantined'),
  })
  .refine((body) => (body.version === undefined) !== (body.alias === undefined), {
    message: 'give exactly one of version and alias',
    path: ['version'],
  })
  .refine((body) => body.role !== 'canary' || body.sharePercent !== undefined, {
    message: 'a canary needs its share',
    path: ['sharePercent'],
  })
  .refine((body) => body.role !== 'live' || body.sharePercent === undefined, {
    message: 'the live version gets what the canary leaves',
    path: ['sharePercent'],
  });

export type DeployRequest = z.infer<typeof deploySchema>;

export const rollbackSchema = z.strictObject({ force: slugSchema.optional() });

/** One thing that happened to an endpoint, for `muster endpoint logs`. */
export const endpointEventSchema = z.object({
  at: timeSchema,
  level: z.enum(['info', 'warn', 'error']),
  deployment: z.string().nullable(),
  what: z.string(),
  message: z.string(),
});

export type EndpointEvent = z.infer<typeof endpointEventSchema>;
