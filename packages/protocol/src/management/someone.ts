import { z } from 'zod';

/** Somebody by id; the name is null where there is no such actor any more. */
export const someoneSchema = z.object({ id: z.string(), name: z.string().nullable() });

export type Someone = z.infer<typeof someoneSchema>;
