/** Work that several may wait for: it is told what to say to all of them, and ends when nobody waits any more. */
export type Work<T> = (onProgress: (text: string) => void, signal: AbortSignal) => Promise<T>;

interface UnderWay<T> {
  readonly promise: Promise<T>;
  readonly listeners: Set<(text: string) => void>;
  readonly abort: AbortController;
  lastProgress: string | undefined;
}

/** Does the work of a key once for all who ask for it while it is under way. */
export interface SharedWork<T> {
  /** Throws what the work throws, and the signal's reason. */
  do(key: string, work: Work<T>, onProgress: (text: string) => void, signal?: AbortSignal): Promise<T>;
  isUnderWay(key: string): boolean;
  /** Ends all; resolves when it has ended. */
  stop(): Promise<void>;
}

/** At most `parallel` of them at a time; the others wait, the first first. */
export function createSharedWork<T>(parallel: number): SharedWork<T> {
  const underWay = new Map<string, UnderWay<T>>();
  const waiting: (() => void)[] = [];
  let running = 0;

  const inTurn = async (work: () => Promise<T>, onWait: () => void): Promise<T> => {
    if (running >= parallel) {
      onWait();
      await new Promise<void>((resolve) => waiting.push(resolve));
    } else running += 1;
    try {
      return await work();
    } finally {
      const next = waiting.shift();
      if (next === undefined) running -= 1;
      else next();
    }
  };

  const begin = (key: string, work: Work<T>): UnderWay<T> => {
    const listeners = new Set<(text: string) => void>();
    const abort = new AbortController();
    const tell = (text: string): void => {
      begun.lastProgress = text;
      for (const listener of listeners) listener(text);
    };
    const promise = inTurn(
      async () => {
        abort.signal.throwIfAborted();
        return await work(tell, abort.signal);
      },
      () => queueMicrotask(() => tell('waiting for other environments that are being made')),
    ).finally(() => {
      if (underWay.get(key) === begun) underWay.delete(key);
    });
    // Who waits gets the error; that nobody waits any more is no reason to end the process.
    promise.catch(() => {});
    const begun: UnderWay<T> = { promise, listeners, abort, lastProgress: undefined };
    underWay.set(key, begun);
    return begun;
  };

  return {
    do: async (key, work, onProgress, signal) => {
      signal?.throwIfAborted();
      const found = underWay.get(key);
      const shared = found === undefined || found.abort.signal.aborted ? begin(key, work) : found;
      if (shared.lastProgress !== undefined) onProgress(shared.lastProgress);
      // A function of its own for each who waits: two may pass the same one.
      const listener = (text: string): void => onProgress(text);
      shared.listeners.add(listener);
      const left = Promise.withResolvers<never>();
      const leave = (): void => left.reject(signal?.reason);
      signal?.addEventListener('abort', leave, { once: true });
      try {
        return await Promise.race([shared.promise, left.promise]);
      } finally {
        signal?.removeEventListener('abort', leave);
        shared.listeners.delete(listener);
        if (shared.listeners.size === 0) shared.abort.abort(signal?.reason);
      }
    },
    isUnderWay: (key) => underWay.has(key),
    stop: async () => {
      const all = [...underWay.values()];
      for (const { abort } of all) abort.abort();
      await Promise.allSettled(all.map(({ promise }) => promise));
    },
  };
}
