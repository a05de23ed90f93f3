import fc from 'fast-check';
import { expect, test } from 'vitest';
import { objectiveText, readObjective } from './read-objective.ts';

const read = (text: string) => readObjective('--objective', text);

test('an objective is a percentile of the latency, at a rate, with the errors that may be', () => {
  expect(read('p95<200ms@20rps,errors<1%')).toEqual({
    latencyMs: 200,
    percentile: 95,
    requestsPerSecond: 20,
    errorPercent: 1,
  });
  expect(read('p99 < 1.5s')).toEqual({ latencyMs: 1500, percentile: 99, requestsPerSecond: 10, errorPercent: 1 });
  expect(read('p50<2s, errors<0.5%')).toMatchObject({ latencyMs: 2000, errorPercent: 0.5 });
  expect(read('none')).toBeNull();
});

test.each([
  '',
  'fast',
  'p95',
  'p95<200',
  'p95<200ms@20',
  'p42<200ms',
  'p95<0ms',
  'p95<1ms,errors<101%',
  'p95<1ms,x',
  'p95<1ms,errors<1%,x',
])('%s is refused with what to write', (text) => expect(() => read(text)).toThrow(/is no objective|has no unit/));

test('what is written is read as the same', () => {
  const objective = fc.record({
    latencyMs: fc.integer({ min: 1, max: 3_600_000 }),
    percentile: fc.constantFrom(50, 90, 95, 99),
    requestsPerSecond: fc.integer({ min: 1, max: 100_000 }),
    errorPercent: fc.integer({ min: 0, max: 100 }),
  });
  fc.assert(
    fc.property(objective, (one) => {
      expect(read(objectiveText(one))).toEqual(one);
    }),
  );
});
