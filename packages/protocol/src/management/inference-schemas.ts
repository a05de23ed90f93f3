import { z } from 'zod';
import { type Datatype, type Signature, datatypeSizes } from '../inference/tensor.ts';

const datatypes = Object.keys(datatypeSizes) as [Datatype, ...Datatype[]];

export const datatypeSchema = z.enum(datatypes);

export const tensorSpecSchema = z.strictObject({
  name: z.string().min(1).max(1000),
  datatype: datatypeSchema,
  shape: z.array(z.number().int().min(-1)).max(32),
  optional: z.boolean().optional(),
  nullable: z.boolean().optional(),
  isJson: z.boolean().optional(),
});

export const signatureSchema = z.strictObject({
  inputs: z.array(tensorSpecSchema).min(1).max(10_000),
  outputs: z.array(tensorSpecSchema).min(1).max(10_000),
  features: z.array(z.string().min(1).max(1000)).max(100_000).optional(),
  labels: z.array(z.string().max(1000)).max(100_000).optional(),
  primary: z.string().min(1).max(1000).optional(),
  mixesRows: z.boolean().optional(),
}) satisfies z.ZodType<Signature>;
