/** Repeats a look until it gives something (not undefined, null or false), for at most `limitMs`; then throws with the last error. */
export async function eventually<T>(
  look: () => T | Promise<T>,
  limitMs = 30_000,
): Promise<NonNullable<Exclude<T, false>>> {
  const until = performance.now() + limitMs;
  let last: unknown;
  for (;;) {
    try {
      const found = await look();
      if (found !== undefined && found !== null && found !== false) return found as NonNullable<Exclude<T, false>>;
      last = undefined;
    } catch (error) {
      last = error;
    }
    if (performance.now() > until) throw new Error(`nothing came within ${limitMs} ms`, { cause: last });
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
