import { describe, expect, test } from 'vitest';
import { nearestRank, roadTimes, spreadOf } from './times.ts';

describe('median and 90th percentile', () => {
  test('are values that were measured: the one of the nearest rank', () => {
    // 10 values: rank ceil(5) = 5 and rank ceil(9) = 9.
    expect(spreadOf([10, 9, 8, 7, 6, 5, 4, 3, 2, 1])).toEqual({ count: 10, medianMs: 5, p90Ms: 9 });
    // 5 values: rank ceil(2.5) = 3 and rank ceil(4.5) = 5.
    expect(spreadOf([30, 10, 50, 20, 40])).toEqual({ count: 5, medianMs: 30, p90Ms: 50 });
    // 11 values: rank ceil(5.5) = 6 and rank ceil(9.9) = 10.
    expect(spreadOf([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11])).toEqual({ count: 11, medianMs: 6, p90Ms: 10 });
    expect(spreadOf([7])).toEqual({ count: 1, medianMs: 7, p90Ms: 7 });
  });

  test('are unknown of nothing', () => {
    expect(spreadOf([])).toEqual({ count: 0, medianMs: null, p90Ms: null });
  });

  test('are the same in every order, and take no rank too much where a share is no exact number', () => {
    expect(nearestRank([3, 1, 2], 0.5)).toBe(nearestRank([1, 2, 3], 0.5));
    const hundred = Array.from({ length: 100 }, (_, index) => index + 1);
    expect([0.07, 0.29, 0.57, 0.58, 0.9].map((share) => nearestRank(hundred, share))).toEqual([7, 29, 57, 58, 90]);
  });
});

describe('times of several endpoints', () => {
  test('say of each stage its part of all the time that went by', () => {
    const stages = { deciding: 10, building: 20, deploying: 0, proving: 30, approving: 40 };
    const { total, stages: of } = roadTimes([
      { totalMs: 100, stagesMs: stages },
      { totalMs: 300, stagesMs: { ...stages, deciding: null, building: 230 } },
    ]);
    expect(total).toEqual({ count: 2, medianMs: 100, p90Ms: 300 });
    // Of 400: deciding 10, building 20 + 230, proving 30 + 30, approving 40 + 40.
    expect(of.map(({ stage, count, medianMs, p90Ms, share }) => [stage, count, medianMs, p90Ms, share])).toEqual([
      ['deciding', 1, 10, 10, 10 / 400],
      ['building', 2, 20, 230, 250 / 400],
      ['deploying', 2, 0, 0, 0],
      ['proving', 2, 30, 30, 60 / 400],
      ['approving', 2, 40, 40, 80 / 400],
    ]);
    expect(of.map(({ waitsFor }) => waitsFor)).toEqual([
      'approver',
      'data scientist',
      'data scientist',
      'operator',
      'approver',
    ]);
  });

  test('of none have no share', () => {
    expect(roadTimes([]).stages.map(({ share }) => share)).toEqual([null, null, null, null, null]);
  });
});
