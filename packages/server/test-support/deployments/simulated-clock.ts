import type { Clock } from '../../src/platform/clock/index.ts';

/** Time that moves when it is told to. */
export interface SimulatedClock extends Clock {
  /** Moves on and calls back whatever came due, in its order. */
  advance(ms: number): void;
}

export function createSimulatedClock(startMs = 1_700_000_000_000): SimulatedClock {
  let nowMs = startMs;
  let count = 0;
  const timers = new Map<number, { readonly at: number; readonly callback: () => void }>();
  return {
    now: () => nowMs,
    after(delayMs, callback) {
      const id = ++count;
      timers.set(id, { at: nowMs + delayMs, callback });
      return () => void timers.delete(id);
    },
    advance(ms) {
      const until = nowMs + ms;
      for (;;) {
        const due = [...timers]
          .filter(([, timer]) => timer.at <= until)
          .toSorted((a, b) => a[1].at - b[1].at || a[0] - b[0])[0];
        if (due === undefined) break;
        timers.delete(due[0]);
        nowMs = Math.max(nowMs, due[1].at);
        due[1].callback();
      }
      nowMs = until;
    },
  };
}

/** Lets everything run that waits for nothing but promises. */
export async function settle(): Promise<void> {
  await new Promise<void>((resolve) => void setImmediate(resolve));
}

/** A seeded source of choices (mulberry32): the same seed, the same history. */
export interface Choices {
  /** In [0, 1). */
  next(): number;
  chance(probability: number): boolean;
  pick<T>(from: readonly T[]): T;
  upTo(max: number): number;
}

export function createChoices(seed: number): Choices {
  let state = seed >>> 0;
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
  return {
    next,
    chance: (probability) => next() < probability,
    pick: (from) => {
      const picked = from[Math.floor(next() * from.length)];
      if (picked === undefined) throw new Error('nothing to pick from');
      return picked;
    },
    upTo: (max) => Math.floor(next() * (max + 1)),
  };
}
