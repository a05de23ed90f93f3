import { z } from 'zod';
import { datatypeSchema, signatureSchema } from './inference-schemas.ts';
import {
  aliasSchema,
  modelNameSchema,
  sha256Schema,
  slugSchema,
  tagsSchema,
  timeSchema,
  versionNumberSchema,
} from './names.ts';
import { pythonFactsSchema, pythonVersionSchema, requirementSchema } from './python.ts';

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

/** What inspection found in an ONNX file. */
export const onnxFactsSchema = z.object({
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

export type OnnxFacts = z.infer<typeof onnxFactsSchema>;

/** What inspection found in the file, kept with the version as facts. */
export const modelFactsSchema = z.discriminatedUnion('format', [onnxFactsSchema, pythonFactsSchema]);

export type ModelFacts = z.infer<typeof modelFactsSchema>;

/** How a version is executed. */
export const runtimeSchema = z.enum(['onnx', 'python']);

export type Runtime = z.infer<typeof runtimeSchema>;

/** Where a version comes from, when it was copied from somewhere. */
export const lineageSchema = z.strictObject({
  source: z.literal('mlflow'),
  /** Address of the server, without credentials. */
  server: z.string().min(1).max(2000),
  model: z.string().min(1).max(256),
  version: z.string().min(1).max(100),
  alias: z.string().max(256).optional(),
  runId: z.string().max(100).optional(),
});

export type Lineage = z.infer<typeof lineageSchema>;

export const versionSchema = z.object({
  model: modelNameSchema,
  number: z.number().int(),
  runtime: runtimeSchema,
  digest: sha256Schema,
  sizeBytes: z.number().int(),
  signature: signatureSchema,
  facts: modelFactsSchema,
  /** Digest of the sample in the form that runners take (runtime/sample.ts), if the version came with one. */
  sampleDigest: sha256Schema.nullable(),
  lineage: lineageSchema.nullable(),
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

/** One tensor of a sample in the JSON form of the Open Inference Protocol: `data` flat or nested; null is a missing value. */
export const sampleTensorSchema = z.strictObject({
  name: z.string().min(1).max(1000),
  datatype: datatypeSchema,
  shape: z.array(z.number().int().min(0)).max(32),
  data: z.array(z.unknown()).max(10_000_000),
});

/**
 * Rows with the answers that the training library gave for them. The answers of every replica must equal these before it
 * becomes ready: exactly for BOOL, integers and BYTES, within 1e-7 of the value + 1e-9 for FP64, 1e-5 + 1e-6 for FP32 and
 * 1e-2 + 1e-3 for FP16 and BF16.
 */
export const sampleSchema = z.strictObject({
  inputs: z.array(sampleTensorSchema).min(1).max(10_000),
  /** The inputs are the columns of a table: the model is given a data frame (or a matrix, where it was fitted on one). */
  isTable: z.boolean().default(false),
  outputs: z.array(sampleTensorSchema).max(10_000).default([]),
});

export type Sample = z.output<typeof sampleSchema>;

export const createVersionSchema = z.strictObject({
  digest: sha256Schema.describe('Digest of an uploaded file'),
  signature: signatureHintsSchema.optional(),
  sampleCsv: z
    .string()
    .max(1_000_000)
    .optional()
    .describe('A few rows as CSV with a header: names the features and warms replicas up'),
  sample: sampleSchema
    .optional()
    .describe(
      'Rows with the answers of the training library, at most 8 MiB; instead of sampleCsv. Integers beyond 2^53 as text',
    ),
  python: z
    .strictObject({
      version: pythonVersionSchema.optional().describe('Minor version of Python that the model was made with'),
      requirements: z
        .array(requirementSchema)
        .max(2000)
        .optional()
        .describe('What the model needs, as in requirements.txt; left out: what the file itself tells'),
    })
    .optional()
    .describe('For models that only Python can run'),
  lineage: lineageSchema.optional(),
  description: z.string().max(10_000).default(''),
  tags: tagsSchema.default({}),
});

export const setAliasSchema = z.strictObject({ version: versionNumberSchema });

export const aliasTargetSchema = z.object({ model: modelNameSchema, alias: aliasSchema, version: z.number().int() });
