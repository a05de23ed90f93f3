import { describe, expect, it } from 'vitest';
import { startOpenLoop } from './open-loop.ts';

const usual = { requestsPerSecond: 200, maxInFlight: 4, seconds: 0.25, isOpenEnded: false, graceMs: 1000 };
const nowMs = (): number => performance.now();
const answered = async () => await Promise.resolve({ isAnswered: true, version: '1' });

describe('load at a fixed rate', () => {
  it('sends as many requests as fall due, and counts answers by version', async () => {
    const sent: number[] = [];
    const loop = startOpenLoop({
      ...usual,
      nowMs,
      send: async (index) => {
        sent.push(index);
        return await answered();
      },
    });
    const found = await loop.done;
    expect(sent).toEqual(Array.from({ length: 50 }, (_, index) => index));
    expect(found).toMatchObject({ requests: 50, failed: 0, errorPercent: 0, failures: [] });
    expect(loop.now().byVersion).toEqual({ '1': 50 });
  });

  it('counts the time that a request had to wait for others, which a slow answer would hide', async () => {
    const release = Promise.withResolvers<void>();
    setTimeout(release.resolve, 200);
    // One place, and the first answer takes 200 ms: the others are each late by what is left of it.
    const loop = startOpenLoop({
      ...usual,
      maxInFlight: 1,
      nowMs,
      send: async (index) => {
        if (index === 0) await release.promise;
        return await answered();
      },
    });
    const { latency } = await loop.done;
    expect(latency?.p50Ms).toBeGreaterThan(50);
    expect(latency?.p99Ms).toBeGreaterThan(150);
  });

  it('counts what could not be sent in time as failed', async () => {
    const release = Promise.withResolvers<void>();
    const loop = startOpenLoop({
      ...usual,
      maxInFlight: 1,
      graceMs: 50,
      nowMs,
      send: async () => {
        await release.promise;
        return await answered();
      },
    });
    setTimeout(release.resolve, 400);
    expect(await loop.done).toMatchObject({
      requests: 50,
      failed: 49,
      failures: [{ why: 'not sent in time', count: 49 }],
    });
  });

  it('goes on until it is told to end, but not less than its time', async () => {
    const loop = startOpenLoop({ ...usual, isOpenEnded: true, nowMs, send: answered });
    loop.end();
    const { requests } = await loop.done;
    expect(requests).toBe(50);
  });

  it('names why requests failed, the most frequent first', async () => {
    const loop = startOpenLoop({
      ...usual,
      nowMs,
      send: async (index) =>
        await Promise.resolve({ isAnswered: false, why: index % 5 === 0 ? '429 rate_exceeded' : '500' }),
    });
    const found = await loop.done;
    expect(found).toMatchObject({ errorPercent: 100, latency: undefined, requestsPerSecond: 0 });
    expect(found.failures).toEqual([
      { why: '500', count: 40 },
      { why: '429 rate_exceeded', count: 10 },
    ]);
  });
});
