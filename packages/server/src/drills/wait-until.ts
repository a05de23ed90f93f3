/** How often it is looked. */
const lookMs = 50;

/** Waits until it holds; false where it does not within the limit. Throws the signal's reason. */
export async function waitUntil(
  holds: () => Promise<boolean> | boolean,
  { limitMs, signal }: { readonly limitMs: number; readonly signal: AbortSignal },
): Promise<boolean> {
  const until = performance.now() + limitMs;
  for (;;) {
    signal.throwIfAborted();
    if (await holds()) return true;
    if (performance.now() >= until) return false;
    await new Promise((resolve) => setTimeout(resolve, lookMs));
  }
}
