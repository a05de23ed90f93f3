import { describe, expect, test } from 'vitest';
import type { Milestones } from './road.ts';
import { type Road, type TimeFilter, timeReport } from './time-report.ts';

const all: TimeFilter = { team: undefined, from: undefined, until: undefined };

/** An endpoint that was handed over at 0 and came into production at a time, or waits since it was deployed at another. */
function road(endpoint: string, given: Partial<Road> & Partial<Milestones> = {}): Road {
  const { inProductionAt = null, deployedAt = null, ...rest } = given;
  return {
    endpoint,
    team: 'risk',
    owner: 'ana',
    createdAt: 0,
    isOnItsWay: inProductionAt === null,
    milestones: {
      proposedAt: null,
      acceptedAt: null,
      firstVersionAt: 0,
      versionAt: 0,
      deployedAt,
      submittedAt: null,
      inProductionAt,
    },
    open: { isUndecided: false, submittedAt: null, refusedAt: null },
    ...rest,
  };
}

describe('the report of the time to production', () => {
  const roads = [
    road('a', { inProductionAt: 300 }),
    road('b', { inProductionAt: 100 }),
    road('c', { inProductionAt: 200, team: 'growth', owner: 'bob' }),
  ];

  test('is over all, over each team, and over the first of each owner', () => {
    const { all: everything, newcomers, teams } = timeReport(roads, all, 1000);
    expect(everything.total).toEqual({ count: 3, medianMs: 200, p90Ms: 300 });
    expect(teams.map(({ team, total }) => [team, total.count, total.medianMs])).toEqual([
      ['growth', 1, 200],
      ['risk', 2, 100],
    ]);
    // b was the first of ana, c of bob.
    expect(newcomers.total).toEqual({ count: 2, medianMs: 100, p90Ms: 200 });
  });

  test('is of a team and of a time, where the first of an owner is the first of all times', () => {
    const { all: late, newcomers } = timeReport(roads, { ...all, team: 'risk', from: 101 }, 1000);
    expect([late.total.count, newcomers.total.count]).toEqual([1, 0]);
    const { all: early } = timeReport(roads, { ...all, until: 200 }, 1000);
    expect(early.total.count).toBe(1);
  });

  test('names what waits, the longest first, a hundred of them, and counts all', () => {
    const many = Array.from({ length: 120 }, (_, at) => road(`e-${at}`, { deployedAt: 500 - at }));
    const { waiting, waitingCount } = timeReport([...roads, ...many], all, 1000);
    expect([waiting.length, waitingCount]).toEqual([100, 120]);
    expect(waiting[0]).toEqual({
      endpoint: 'e-119',
      team: 'risk',
      stage: 'proving',
      waitsFor: 'operator',
      since: new Date(381).toISOString(),
      ms: 619,
    });
    expect(timeReport(many, { ...all, team: 'growth' }, 1000).waitingCount).toBe(0);
  });

  test('does not count what is not on its way', () => {
    expect(timeReport([road('gone', { isOnItsWay: false })], all, 0).waitingCount).toBe(0);
  });
});
