import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type FollowRecord, nextStep, retryMs } from './follow.ts';

const follow: FollowRecord = {
  endpoint: 'churn',
  team: 'default',
  server: 'http://mlflow:5000',
  sourceModel: 'churn',
  alias: 'champion',
  model: 'churn',
  version: '3',
  failedVersion: null,
  retryAt: null,
  problem: null,
  checkedAt: null,
  setAt: 0,
  setBy: 'ann',
};

test('only a move of the alias leads to a deployment, whatever is live', () => {
  fc.assert(
    fc.property(fc.option(fc.string(), { nil: undefined }), fc.nat(), (live, now) => {
      expect(nextStep(follow, '3', live, now)).toBe('nothing');
      expect(nextStep(follow, '4', live, now)).toBe('deploy');
    }),
  );
});

test('what was deployed by hand before it was followed is not deployed again', () => {
  expect(nextStep({ ...follow, version: null }, '3', '3', 0)).toBe('nothing');
  expect(nextStep({ ...follow, version: null }, '3', '2', 0)).toBe('deploy');
  expect(nextStep({ ...follow, version: null }, '3', undefined, 0)).toBe('deploy');
});

test('a version that failed is tried again after a while, another at once', () => {
  const failed = { ...follow, failedVersion: '4', retryAt: 1000 + retryMs };
  expect(nextStep(failed, '4', '3', 1000)).toBe('nothing');
  expect(nextStep(failed, '4', '3', 1000 + retryMs)).toBe('deploy');
  expect(nextStep(failed, '5', '3', 1000)).toBe('deploy');
});
