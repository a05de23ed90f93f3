import { z } from 'zod';
import { problemSchema } from '../errors/problem.ts';
import { aliasSchema, modelNameSchema, slugSchema, timeSchema } from './names.ts';

/** An endpoint that follows an alias of an MLflow server: when the alias moves, the version it names is copied and deployed. */
export const followSchema = z.object({
  endpoint: slugSchema,
  /** Address of the MLflow server, without credentials. */
  server: z.string(),
  /** Model and alias there. */
  sourceModel: z.string(),
  alias: z.string(),
  /** The model here that gets the copies. */
  model: modelNameSchema,
  /** The version there that the alias named when it was last acted upon. */
  version: z.string().nullable(),
  checkedAt: timeSchema.nullable(),
  /** Why the last look or the last copy failed; null when all is well. */
  problem: problemSchema.nullable(),
  setAt: timeSchema,
  setBy: z.string(),
});

export type Follow = z.infer<typeof followSchema>;

export const setFollowSchema = z.strictObject({
  server: z
    .url({ protocol: /^https?$/ })
    .max(2000)
    .describe('Address of an MLflow server that mlflow.servers of the configuration names'),
  sourceModel: z.string().min(1).max(256).describe('Registered model there'),
  alias: aliasSchema.describe('Alias there'),
  model: modelNameSchema
    .optional()
    .describe('Model here that gets the copies. Default: that of the live version, else the name there'),
});

export type SetFollow = z.output<typeof setFollowSchema>;
