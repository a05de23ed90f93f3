import { expect, test } from 'vitest';
import { objectiveText, readObjective } from './objective.ts';

test('says the percentile, the latency, the load and the errors in one text', () => {
  const objective = readObjective('--objective', 'p99<1.5s@20rps,errors<0.5%');
  expect(objective).toEqual({ percentile: 99, latencyMs: 1500, requestsPerSecond: 20, errorPercent: 0.5 });
  expect(readObjective('--objective', ' p99 < 1.5s @ 20/s , errors < 0.5% ')).toEqual(objective);
});

test('takes the usual load and errors where they are left out', () => {
  expect(readObjective('--objective', 'p95<200ms')).toEqual({
    percentile: 95,
    latencyMs: 200,
    requestsPerSecond: 10,
    errorPercent: 1,
  });
});

test('is read as it is shown', () => {
  const text = 'p50<0.5ms@0.2rps,errors<0%';
  expect(objectiveText(readObjective('--objective', text))).toBe(text);
});

test.each([
  ['200ms', '`200ms` does not say how fast it is to be', 'p95<200ms@20rps,errors<1%'],
  ['', 'does not say how fast it is to be', 'p95<200ms'],
  ['p95<200', 'has no unit', '200ms'],
  ['p95<200ms@20', '`@20` is no load', '@20rps'],
  ['p95<200ms@20rps@3rps', 'does not say how fast', 'p95<200ms'],
  ['p95<200ms,errors<1', '`errors<1` does not say how many errors', 'errors<1%'],
  ['p95<200ms,1%', '`1%` does not say how many errors', 'errors<1%'],
  ['p95<200ms,errors<1%,x', '`x` is one part too many', 'p95<200ms'],
  ['p97<200ms', 'the percentile of `p97<200ms` must be 50, 90, 95 or 99', 'p95<200ms'],
  ['p95<0ms', 'the latency of `p95<0ms` is not possible', 'p95<200ms'],
  ['p95<200ms@0rps', 'the load of `p95<200ms@0rps` is not possible', 'p95<200ms'],
  ['p95<200ms,errors<101%', 'the share of errors of', 'p95<200ms'],
])('of `%s` it says which part is wrong, and how to write it', (text, message, remedy) => {
  expect(() => readObjective('--objective', text)).toThrow(
    expect.objectContaining({
      message: expect.stringContaining(message) as unknown,
      remedy: expect.stringContaining(remedy) as unknown,
    }),
  );
});
