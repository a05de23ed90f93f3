import { setImmediate as turn } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { RunQueue } from './run-queue.ts';

function recorder(
  order: string[],
): (name: string, weightBytes?: number) => { weightBytes: number; run(): Promise<void> } {
  return (name, weightBytes = 1) => ({
    weightBytes,
    async run() {
      await turn();
      order.push(name);
    },
  });
}

async function drained(queue: RunQueue, order: readonly string[], count: number): Promise<void> {
  for (let turns = 0; order.length < count && turns < 1000; turns++) await turn();
  await queue.stop();
}

describe('the queue of runs', () => {
  test('keeps the order within a lane and lets lanes take turns', async () => {
    const order: string[] = [];
    const job = recorder(order);
    const queue = new RunQueue();
    for (const name of ['a1', 'a2', 'a3', 'b1', 'b2', 'c1']) queue.add(name.slice(0, 1), job(name));
    await drained(queue, order, 6);
    expect(order).toEqual(['a1', 'a2', 'b1', 'c1', 'a3', 'b2']);
  });

  test('takes a waiting job out, and says when it has begun', async () => {
    const order: string[] = [];
    const job = recorder(order);
    const queue = new RunQueue();
    const removeFirst = queue.add('a', job('first'));
    const removeSecond = queue.add('a', job('second'));
    expect(removeFirst()).toBe(false);
    expect(removeSecond()).toBe(true);
    expect(removeSecond()).toBe(false);
    queue.add('a', job('third'));
    await drained(queue, order, 2);
    expect(order).toEqual(['first', 'third']);
  });

  test('refuses what is beyond its limits, and takes one job of any size when it is empty', async () => {
    const order: string[] = [];
    const job = recorder(order);
    const queue = new RunQueue({ maxJobs: 3, maxBytes: 100 });
    queue.add('a', job('running'));
    queue.add('a', job('huge', 1000));
    expect(() => queue.add('a', job('more'))).toThrow('wait in this runner');
    await drained(queue, order, 2);
    expect(order).toEqual(['running', 'huge']);
  });

  test('stops after the job that runs', async () => {
    const order: string[] = [];
    const job = recorder(order);
    const queue = new RunQueue();
    queue.add('a', job('running'));
    queue.add('a', job('waiting'));
    await queue.stop();
    await turn();
    expect(order).toEqual(['running']);
  });
});
