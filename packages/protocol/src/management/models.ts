import { z } from 'zod';
import { signatureSchema } from './inference-schemas.ts';
import {
  aliasSchema,
  modelNameSchema,
  sha256Schema,
  slugSchema,
  tagsSchema,
  timeSchema,
  versionNumberSchema,
} from './names.ts';

export const modelSchema = z.object({
  name: modelNameSchema,
  team: slugSchema,
  description: z.string(),
  tags: tagsSchema,
  latestVersion: z.number().int().nullable(),
  aliases: z.record(z.string(), z.number().int()),
  createdAt: timeSchema,
  createdBy: z.string(),
});

export type Model = z.infer<typeof modelSchema>;

export const createModelSchema = z.strictObject({
  name: modelNameSchema,
  team: slugSchema.default('default'),
  description: z.string().max(10_000).default(''),
  tags: tagsSchema.default({}),
});

/** What inspection found in the file, kept with the version as facts. */
export const modelFactsSchema = z.object({
  format: z.enum(['onnx']),
  sizeBytes: z.number().int(),
  producer: z.string(),
  irVersion: z.number().int(),
  opsets: z.record(z.string(), z.number().int()),
  /** Operators that the graph uses, by name and count. */
  operators: z.record(z.string(), z.number().int()),
  parameterCount: z.number(),
  metadata: z.record(z.string(), z.string()),
  /** What is changed at load so that the runtime can serve it, in words. */
  adaptations: z.array(z.string()),
});

export type ModelFacts = z.infer<typeof modelFactsSchema>;

export const versionSchema = z.object({
  model: modelNameSchema,
  number: z.number().int(),
  runtime: z.enum(['onnx']),
  digest: sha256Schema,
  sizeBytes: z.number().int(),
  signature: signatureSchema,
  facts: modelFactsSchema,
  /** Digest of the sample (an object of OIP JSON), if the version came with one. */
  sampleDigest: sha256Schema.nullable(),
  description: z.string(),
  tags: tagsSchema,
  createdAt: timeSchema,
  createdBy: z.string(),
});

export type Version = z.infer<typeof versionSchema>;

/** How the owner names what the file leaves unnamed; every part is optional. */
export const signatureHintsSchema = z.strictObject({
  features: z
    .array(z.string().min(1).max(1000))
    .max(100_000)
    .optional()
    .describe('Names of the columns of a single matrix input, in order'),
  labels: z.array(z.string().max(1000)).max(100_000).optional().describe('Names of the classes, by index'),
});

export const createVersionSchema = z.strictObject({
  digest: sha256Schema.describe('Digest of an uploaded file'),
  signature: signatureHintsSchema.optional(),
  sampleCsv: z
    .string()
    .max(1_000_000)
    .optional()
    .describe('A few rows as CSV with a header: names the features and warms replicas up'),
  description: z.string().max(10_000).default(''),
  tags: tagsSchema.default({}),
});

export const setAliasSchema = z.strictObject({ version: versionNumberSchema });

export const aliasTargetSchema = z.object({ model: modelNameSchema, alias: aliasSchema, version: z.number().int() });
