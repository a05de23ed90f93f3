import { describe, expect, test, vi } from 'vitest';
import { createDeadlineWatch } from './deadline-watch.ts';

/** Deadlines that are ended when they are due; the names of those that were, in order. */
function watched(): {
  add(name: string, inMs: number): void;
  readonly ended: string[];
  readonly calls: number;
  stop(): void;
} {
  const open = new Map<string, number>();
  const ended: string[] = [];
  let calls = 0;
  const watch = createDeadlineWatch((nowMs) => {
    calls += 1;
    for (const [name, deadlineMs] of open) {
      if (deadlineMs > nowMs) continue;
      open.delete(name);
      ended.push(name);
    }
    return open.size === 0 ? undefined : Math.min(...open.values());
  });
  return {
    add: (name, inMs) => {
      const deadlineMs = performance.now() + inMs;
      open.set(name, deadlineMs);
      watch.note(deadlineMs);
    },
    ended,
    get calls() {
      return calls;
    },
    stop: () => watch.stop(),
  };
}

describe('a watch over many deadlines', () => {
  test('ends each in its time, whatever the order in which they came', async () => {
    const watch = watched();
    watch.add('late', 120);
    watch.add('early', 20);
    watch.add('middle', 70);
    await vi.waitUntil(() => watch.ended.length === 3, { interval: 5, timeout: 5000 });
    expect(watch.ended).toEqual(['early', 'middle', 'late']);
    watch.add('again', 10);
    await vi.waitUntil(() => watch.ended.length === 4, { interval: 5, timeout: 5000 });
  });

  test('looks once for many that have the same time', async () => {
    const watch = watched();
    for (let index = 0; index < 1000; index += 1) watch.add(String(index), 50);
    await vi.waitUntil(() => watch.ended.length === 1000, { interval: 5, timeout: 5000 });
    expect(watch.calls).toBeLessThan(20);
  });

  test('is silent once it was stopped, and takes deadlines beyond what a timer can hold', async () => {
    const watch = watched();
    watch.add('in a year', 365 * 86_400_000);
    watch.add('soon', 10);
    watch.stop();
    watch.add('later', 5);
    const other = watched();
    other.add('other', 30);
    await vi.waitUntil(() => other.ended.length === 1, { interval: 5, timeout: 5000 });
    expect(watch.calls).toBe(0);
  });
});
