/**
 * Works through items, `count` at a time, and ends when nothing is under way any more, also after a failure: whoever cleans
 * up then is disturbed by nobody. Throws what failed first; nothing is begun after it.
 */
export async function sideBySide<T>(
  items: readonly T[],
  count: number,
  work: (item: T) => Promise<void>,
): Promise<void> {
  const waiting = items.values();
  const failures: unknown[] = [];
  const workSome = async (): Promise<void> => {
    for (const item of waiting) {
      if (failures.length > 0) return;
      await work(item).catch((error: unknown) => failures.push(error));
    }
  };
  await Promise.all(Array.from({ length: count }, workSome));
  if (failures.length > 0) throw failures[0];
}
