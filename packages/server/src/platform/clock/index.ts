import { randomFillSync } from 'node:crypto';

/** Time, as a port: the simulation drives it, everything else uses `systemClock`. */
export interface Clock {
  /** Milliseconds since the epoch. */
  now(): number;
  /** Calls back once after `delayMs`; the answer cancels it. */
  after(delayMs: number, callback: () => void): () => void;
}

export const systemClock: Clock = {
  now: () => Date.now(),
  after: (delayMs, callback) => {
    const timer = setTimeout(callback, delayMs);
    timer.unref();
    return () => clearTimeout(timer);
  },
};

/** Makes identifiers that sort by time. */
export type NewId = () => string;

/** Random bytes that are fetched at once: a call to the system for each identifier took a tenth of a small prediction. */
const poolBytes = 4096;
const randomBytesOfId = 8;

/** UUIDv7 (RFC 9562), monotonic within a process: 48 bits of milliseconds, a 12-bit counter, 62 random bits. */
export function createIds(clock: Clock): NewId {
  const pool = Buffer.alloc(poolBytes);
  let used = poolBytes;
  let lastMs = 0;
  let counter = 0;
  /** What identifiers of the same millisecond begin with. */
  let head = '';
  return () => {
    const nowMs = clock.now();
    if (nowMs > lastMs || ++counter > 0xfff) {
      lastMs = Math.max(nowMs, lastMs + 1);
      counter = 0;
      const time = lastMs.toString(16).padStart(12, '0');
      head = `${time.slice(0, 8)}-${time.slice(8)}-7`;
    }
    if (used === poolBytes) {
      randomFillSync(pool);
      used = 0;
    }
    pool[used] = ((pool[used] ?? 0) & 0x3f) | 0x80;
    const tail = pool.toString('hex', used, used + randomBytesOfId);
    used += randomBytesOfId;
    return `${head}${counter.toString(16).padStart(3, '0')}-${tail.slice(0, 4)}-${tail.slice(4)}`;
  };
}
