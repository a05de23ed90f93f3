import { z } from 'zod';
import { timeSchema } from './names.ts';

/** Whether a process of the installation works, and since when. */
export const processStatusSchema = z.object({
  role: z.enum(['supervisor', 'control', 'gateway', 'runner']),
  id: z.string(),
  state: z.enum(['starting', 'running', 'restarting', 'failed']),
  pid: z.number().int().nullable(),
  startedAt: timeSchema.nullable(),
  restarts: z.number().int(),
  memoryBytes: z.number().nullable(),
  /** Runners: how they are caged, e.g. `bubblewrap`, `namespaces`, `uid`, `none`. */
  isolation: z.string().optional(),
  detail: z.string().optional(),
});

export type ProcessStatus = z.infer<typeof processStatusSchema>;

export const installationStatusSchema = z.object({
  version: z.string(),
  environment: z.string(),
  startedAt: timeSchema,
  database: z.object({ kind: z.enum(['sqlite', 'postgresql']), ok: z.boolean() }),
  objects: z.object({ kind: z.enum(['folder']), ok: z.boolean() }),
  isolation: z.object({ level: z.string(), advice: z.string() }),
  processes: z.array(processStatusSchema),
  counts: z.object({ models: z.number().int(), endpoints: z.number().int(), ready: z.number().int() }),
});

export type InstallationStatus = z.infer<typeof installationStatusSchema>;
