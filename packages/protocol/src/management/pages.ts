import { z } from 'zod';

/** Query of every list: `limit` items (at most 1000), after the opaque cursor `after` that the last page gave as `next`. */
export const pageQuerySchema = z.strictObject({
  limit: z.coerce.number().int().min(1).max(1000).default(100),
  after: z.string().max(1000).optional(),
});

export type PageQuery = z.infer<typeof pageQuerySchema>;

/** One page of a list; `next` is absent on the last. */
export function pageOf<T extends z.ZodType>(item: T) {
  return z.object({ items: z.array(item), next: z.string().optional() });
}

export interface Page<T> {
  readonly items: readonly T[];
  readonly next?: string | undefined;
}
