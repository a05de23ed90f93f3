/** Everything of a list, page by page, up to `limit` items. */
export async function allPages<T>(
  page: (query: {
    readonly limit: number;
    readonly after?: string;
  }) => Promise<{ readonly items: readonly T[]; readonly next?: string | undefined }>,
  limit = 100_000,
): Promise<T[]> {
  const items: T[] = [];
  let after: string | undefined;
  do {
    const wanted = Math.min(1000, limit - items.length);
    const answer = await page({ limit: wanted, ...(after === undefined ? {} : { after }) });
    items.push(...answer.items);
    after = answer.next;
  } while (after !== undefined && items.length < limit);
  return items;
}
