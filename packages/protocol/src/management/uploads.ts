import { z } from 'zod';
import { sha256Schema, timeSchema } from './names.ts';

/** Parts are of `partBytes` each (the last may be shorter), numbered from 1, sent in any order and repeated at will. */
export const uploadSchema = z.object({
  id: z.string(),
  sizeBytes: z.number().int(),
  sha256: sha256Schema.optional(),
  partBytes: z.number().int(),
  /** Numbers of the parts that are on disk. */
  received: z.array(z.number().int()),
  state: z.enum(['open', 'completed']),
  createdAt: timeSchema,
  expiresAt: timeSchema,
});

export type Upload = z.infer<typeof uploadSchema>;

export const startUploadSchema = z.strictObject({
  sizeBytes: z.number().int().min(0).max(Number.MAX_SAFE_INTEGER).describe('Size of the whole file'),
  sha256: sha256Schema
    .optional()
    .describe('Digest of the whole file, checked at completion; known content completes at once'),
});

export const storedObjectSchema = z.object({ digest: sha256Schema, sizeBytes: z.number().int() });

export type StoredObject = z.infer<typeof storedObjectSchema>;
