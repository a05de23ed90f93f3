import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type Milestones, type Open, passageOf, waitOf } from './road.ts';

const nothing: Milestones = {
  proposedAt: null,
  acceptedAt: null,
  firstVersionAt: null,
  versionAt: null,
  deployedAt: null,
  submittedAt: null,
  inProductionAt: null,
};
const closed: Open = { isUndecided: false, submittedAt: null, refusedAt: null };

/** Stages in their order. */
function stages(milestones: Partial<Milestones>, inProductionAt: number): readonly (number | null)[] {
  const { deciding, building, deploying, proving, approving } = passageOf(
    { ...nothing, ...milestones },
    inProductionAt,
  ).stagesMs;
  return [deciding, building, deploying, proving, approving];
}

describe('the way to production', () => {
  test('is cut at what was reached, one thing after the other', () => {
    const road = { proposedAt: 10, acceptedAt: 15, firstVersionAt: 30, versionAt: 40, deployedAt: 42, submittedAt: 60 };
    expect(stages(road, 67)).toEqual([5, 25, 2, 18, 7]);
    expect(passageOf({ ...nothing, ...road }, 67).totalMs).toBe(57);
  });

  test('begins with the first version of the model where nobody proposed it', () => {
    expect(stages({ firstVersionAt: 5, versionAt: 20, deployedAt: 21, submittedAt: 30 }, 40)).toEqual([
      null,
      15,
      1,
      9,
      10,
    ]);
  });

  test('gives no time to what was done before the decision that it should have followed', () => {
    // Built and deployed while the proposal waited: all of that time is the decision's.
    expect(
      stages({ proposedAt: 0, acceptedAt: 50, firstVersionAt: 10, versionAt: 10, deployedAt: 20, submittedAt: 70 }, 80),
    ).toEqual([50, 0, 0, 20, 10]);
  });

  test('does not put down to the approver what went by before the proposal', () => {
    expect(
      stages({ firstVersionAt: 0, versionAt: 10, deployedAt: 15, proposedAt: 40, acceptedAt: 45, submittedAt: 60 }, 70),
    ).toEqual([5, 10, 5, 40, 10]);
  });

  test('gives the time of what is not known to what came next', () => {
    expect(stages({ proposedAt: 0, versionAt: 30, deployedAt: 35, submittedAt: 50 }, 60)).toEqual([
      null,
      30,
      5,
      15,
      10,
    ]);
    expect(stages({ firstVersionAt: 0, deployedAt: 35, submittedAt: 50 }, 60)).toEqual([null, null, 35, 15, 10]);
    expect(stages({ versionAt: 0, deployedAt: 35 }, 60)).toEqual([null, 0, 35, null, 25]);
    expect(stages({}, 60)).toEqual([null, null, null, null, 0]);
  });

  test('has stages that are never negative and add up to the whole, whatever is known and in whatever order', () => {
    const at = fc.option(fc.integer({ min: 0, max: 100 }), { nil: null });
    const road = fc.record({
      proposedAt: at,
      acceptedAt: at,
      firstVersionAt: at,
      versionAt: at,
      deployedAt: at,
      submittedAt: at,
      inProductionAt: fc.constant(null),
    });
    fc.assert(
      fc.property(road, fc.integer({ min: 0, max: 100 }), (milestones, end) => {
        const { totalMs, stagesMs } = passageOf(milestones, end);
        const known = Object.values(stagesMs).flatMap((ms) => ms ?? []);
        expect(Math.min(totalMs, ...known)).toBeGreaterThanOrEqual(0);
        expect(known.reduce((sum, ms) => sum + ms, 0)).toBe(totalMs);
      }),
    );
  });
});

describe('what is on its way', () => {
  const wait = (milestones: Partial<Milestones>, open: Partial<Open> = {}) =>
    waitOf({ ...nothing, ...milestones }, { ...closed, ...open }, 7);

  test('waits for the next thing to do, since the last one was done', () => {
    expect(wait({})).toEqual({ stage: 'building', since: 7 });
    expect(wait({ proposedAt: 1, acceptedAt: 9 })).toEqual({ stage: 'building', since: 9 });
    expect(wait({ versionAt: 20 })).toEqual({ stage: 'deploying', since: 20 });
    expect(wait({ versionAt: 20, deployedAt: 22 })).toEqual({ stage: 'proving', since: 22 });
    expect(wait({ versionAt: 20, deployedAt: 22, proposedAt: 5, acceptedAt: 30 })).toEqual({
      stage: 'proving',
      since: 30,
    });
  });

  test('waits for the decision about its use case, however far it is otherwise', () => {
    expect(wait({ proposedAt: 5, versionAt: 1, deployedAt: 22 }, { isUndecided: true })).toEqual({
      stage: 'deciding',
      since: 5,
    });
  });

  test('waits for an approval once that was asked for, and for the operator again after a refusal', () => {
    const road = { versionAt: 20, deployedAt: 22, submittedAt: 30 };
    expect(wait(road, { submittedAt: 50, refusedAt: 40 })).toEqual({ stage: 'approving', since: 50 });
    expect(wait(road, { refusedAt: 40 })).toEqual({ stage: 'proving', since: 40 });
  });
});
