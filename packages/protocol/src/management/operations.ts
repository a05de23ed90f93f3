import { z } from 'zod';
import { problemSchema } from '../errors/problem.ts';
import { timeSchema } from './names.ts';

/** Work that takes longer than a request: read it, watch it (server-sent events), cancel it. */
export const operationSchema = z.object({
  id: z.string(),
  kind: z.enum(['register-version', 'deploy', 'score', 'backup', 'verify-ledger', 'rotate-key', 'drill']),
  /** What it works on, such as `model/fraud` or `endpoint/fraud`. */
  subject: z.string(),
  state: z.enum(['running', 'succeeded', 'failed', 'cancelled']),
  /** One line on what it does now. */
  progress: z.string(),
  /** What came of it: a version, an endpoint. */
  result: z.record(z.string(), z.unknown()).nullable(),
  problem: problemSchema.nullable(),
  createdAt: timeSchema,
  createdBy: z.string(),
  finishedAt: timeSchema.nullable(),
});

export type Operation = z.infer<typeof operationSchema>;
