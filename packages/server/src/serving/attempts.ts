import type { Clock } from '../platform/clock/index.ts';

export interface AttemptsOptions {
  readonly clock: Clock;
  /** Failures of one source within the window that are answered plainly. */
  readonly limit?: number;
  readonly windowMs?: number;
  /** Sources that are remembered; beyond it the one that failed longest ago is forgotten. */
  readonly maxSources?: number;
}

/** Counts failed authentications by source, and says who has to wait. */
export interface Attempts {
  /**
   * Notes a failure. Undefined: it may be answered as what it is. Else the source has to wait, and this is for how
   * long, in milliseconds; each failure that did not wait doubles it.
   */
  failed(source: string): number | undefined;
  /** Sources that are remembered now. */
  readonly size: number;
}

const firstDelayMs = 1000;
const longestDelayMs = 5 * 60_000;

interface Source {
  windowStartedAt: number;
  failures: number;
  /** How long it has to wait after the next failure; 0: it is not slowed. */
  delayMs: number;
  waitUntil: number;
  lastAt: number;
}

/**
 * Slows guessing. Only failures are counted, and they are counted after the token was looked up: a valid token passes
 * from any source at any time, so that one guesser does not lock out everybody behind the same address.
 */
export function createAttempts(options: AttemptsOptions): Attempts {
  const { clock, limit = 20, windowMs = 60_000, maxSources = 10_000 } = options;
  const sources = new Map<string, Source>();

  const recall = (key: string, now: number): Source => {
    const known = sources.get(key);
    sources.delete(key);
    // A clock that was set back makes no wait longer than it was said to be.
    const isCurrent =
      known !== undefined && now >= known.lastAt && now < Math.max(known.windowStartedAt, known.waitUntil) + windowMs;
    const source = isCurrent ? known : { windowStartedAt: now, failures: 0, delayMs: 0, waitUntil: 0, lastAt: now };
    sources.set(key, source);
    for (const oldest of sources.keys()) {
      if (sources.size <= maxSources) break;
      sources.delete(oldest);
    }
    return source;
  };

  return {
    failed: (key) => {
      const now = clock.now();
      const source = recall(key, now);
      source.lastAt = now;
      source.failures += 1;
      if (source.delayMs === 0) {
        if (source.failures <= limit) return undefined;
        source.delayMs = firstDelayMs;
      } else if (now >= source.waitUntil) {
        // It waited as it was told: one more guess is answered, and then it waits again.
        source.waitUntil = now + source.delayMs;
        return undefined;
      } else source.delayMs = Math.min(longestDelayMs, source.delayMs * 2);
      source.waitUntil = now + source.delayMs;
      return source.delayMs;
    },
    get size() {
      return sources.size;
    },
  };
}
