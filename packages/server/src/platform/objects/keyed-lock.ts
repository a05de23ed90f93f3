/** Runs what concerns one key one after the other, and different keys side by side. */
export function createKeyedLock(): <R>(key: string, work: () => Promise<R>) => Promise<R> {
  const tails = new Map<string, Promise<unknown>>();
  return async (key, work) => {
    const before = tails.get(key);
    const run = (async () => {
      await before?.catch(() => {});
      return await work();
    })();
    tails.set(key, run);
    try {
      return await run;
    } finally {
      if (tails.get(key) === run) tails.delete(key);
    }
  };
}
