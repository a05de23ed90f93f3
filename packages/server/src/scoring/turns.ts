/** Lets a few run at the same time; the others wait in line. */
export interface Turns {
  /** Resolves with the way to give the turn back. Throws the signal's reason where it aborts first. */
  take(signal: AbortSignal): Promise<() => void>;
}

export function createTurns(atOnce: number): Turns {
  let free = atOnce;
  const waiting: (() => void)[] = [];

  const giveBack = (): void => {
    const next = waiting.shift();
    if (next === undefined) free++;
    else next();
  };

  return {
    async take(signal) {
      signal.throwIfAborted();
      if (free > 0) free--;
      else {
        const turn = Promise.withResolvers<void>();
        const leave = (): void => {
          const place = waiting.indexOf(turn.resolve);
          // The turn has just been given: whoever takes it sees the abort and gives it back.
          if (place === -1) return;
          waiting.splice(place, 1);
          turn.reject(signal.reason);
        };
        waiting.push(turn.resolve);
        signal.addEventListener('abort', leave, { once: true });
        try {
          await turn.promise;
        } finally {
          signal.removeEventListener('abort', leave);
        }
      }
      let isGiven = false;
      return () => {
        if (!isGiven) giveBack();
        isGiven = true;
      };
    },
  };
}
