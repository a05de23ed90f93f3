import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { aDeployment, aRequest, anEndpoint } from '../../test-support/serving-twins.ts';
import { bytesKeptBehind } from '../../test-support/kept-by-garbage.ts';
import { BatchQueue } from './batch-queue.ts';
import { Job } from './job.ts';

const deployment = aDeployment('d', 'unix:/r');
const endpoint = anEndpoint('e', [deployment]);
const nobody = { forget: () => undefined };

function aJob(rows: number, key: string | undefined): Job {
  return new Job(
    aRequest(
      endpoint,
      deployment,
      Array.from({ length: rows }, () => 0),
    ),
    nobody,
    key,
    undefined,
  );
}

const jobs = fc
  .array(fc.record({ rows: fc.integer({ min: 0, max: 10 }), key: fc.constantFrom('a', 'b', undefined) }), {
    maxLength: 30,
  })
  .map((list) => list.map(({ rows, key }) => aJob(rows, key)));

describe('the queue of a deployment', () => {
  test('takes whoever is first, with those that fit to it, and loses or repeats nobody', () => {
    fc.assert(
      fc.property(jobs, fc.integer({ min: 1, max: 16 }), (list, maxRows) => {
        const queue = new BatchQueue();
        for (const job of list) queue.add(job);
        const taken: Job[] = [];
        while (queue.size > 0) {
          const first = queue.first();
          const announced = queue.rowsOfNext(maxRows);
          const batch = queue.take(maxRows);
          const rows = batch.reduce((sum, job) => sum + (job.request.rows ?? 1), 0);
          expect(batch[0]).toBe(first);
          expect(rows).toBe(announced);
          if (batch.length > 1) {
            expect(rows).toBeLessThanOrEqual(maxRows);
            expect(new Set(batch.map((job) => job.key)).size).toBe(1);
            expect(batch[0]?.key).toBeDefined();
          }
          expect(batch).toEqual(batch.toSorted((left, right) => list.indexOf(left) - list.indexOf(right)));
          taken.push(...batch);
        }
        expect(new Set(taken).size).toBe(list.length);
        expect(taken).toHaveLength(list.length);
        expect([queue.bytes, queue.rows]).toEqual([0, 0]);
      }),
    );
  });

  test('puts back what had its turn before all others, in its order', () => {
    const queue = new BatchQueue();
    const [a, b, c] = [aJob(1, 'k'), aJob(1, 'k'), aJob(1, 'k')];
    queue.add(c);
    queue.addFront([a, b]);
    expect([...queue.jobs()]).toEqual([a, b, c]);
    queue.remove(b);
    queue.remove(b);
    expect(queue.takeAll()).toEqual([a, c]);
    expect([queue.size, queue.bytes, queue.rows]).toEqual([0, 0, 0]);
  });

  test('keeps nothing of what has left it', () => {
    const queue = new BatchQueue();
    const kept = bytesKeptBehind({
      make: (bytes) => {
        const request = aRequest(endpoint, deployment, [0]);
        const inputs = request.inputs.map((input) => ({ ...input, bytes }));
        return new Job({ ...request, inputs }, nobody, 'k', undefined);
      },
      enter: (job) => queue.add(job),
      leave: (job) => queue.remove(job),
    });
    expect(kept).toBeLessThan(4 * 1024 * 1024);
  });
});
