import { type Hello, type HealthReport, type Loaded, type ReplicaEvent, problemSchema } from '@muster-ml/protocol';
import { z } from 'zod';

/** A runner may run somebody's code: what it says is checked like anything from outside. */
const replica = z.string().min(1).max(1000);

export const helloSchema = z.object({
  link: z.number().int(),
  role: z.string().max(100),
  software: z.string().max(200),
  ready: z
    .array(replica)
    .max(100_000)
    .optional()
    .transform((list) => list ?? []),
}) satisfies z.ZodType<Hello>;

const replicaEventSchema = z.object({
  replica,
  state: z.enum(['ready', 'failed', 'gone']),
  problem: problemSchema.optional(),
});

export const loadedSchema = z.object({
  replica,
  loadMs: z.number(),
  warmupMs: z.number(),
  memoryBytes: z.number(),
}) satisfies z.ZodType<Loaded>;

export const healthReportSchema = z.object({
  cpuMicros: z.number(),
  rssBytes: z.number(),
  replicas: z
    .array(
      z.object({
        replica,
        state: z.enum(['loading', 'ready', 'failed']),
        runs: z.number(),
        runMicros: z.number(),
        memoryBytes: z.number(),
      }),
    )
    .max(100_000),
}) satisfies z.ZodType<HealthReport>;

/** What a `replicaEvent` frame says, as the contract's type: JSON cannot tell an absent problem from an undefined one. */
export function parseReplicaEvent(header: unknown): ReplicaEvent | undefined {
  const parsed = replicaEventSchema.safeParse(header);
  if (!parsed.success) return undefined;
  const { replica: id, state, problem } = parsed.data;
  return problem === undefined ? { replica: id, state } : { replica: id, state, problem };
}
