import { type TimeToProduction, timeToProductionSchema } from '@muster-ml/protocol';
import type { KyselyPlugin } from 'kysely';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type TestDatabase, databaseKinds, openTestDatabase } from '../../test-support/database.ts';
import { callerWith, decidingIdentity } from '../../test-support/identity.ts';
import { type PlannedEndpoint, writePlanned } from '../../test-support/planned-endpoint.ts';
import { type Insights, createInsights } from './insights.ts';

const dayMs = 86_400_000;
const day = (number: number): number => Date.UTC(2026, 0, 1) + number * dayMs;
const now = day(100);
const auditor = callerWith({ id: 'aud', platformRoles: ['auditor'] });
const ofRisk = callerWith({ id: 'ana', teams: { risk: ['viewer'] } });

/** Live from a day on, with the version of the number; `at` is when it was handed over. */
const live = (version: number, from: number, until: number | null = null) => ({
  version,
  role: 'live' as const,
  createdAt: from,
  traffic: { from, until, sharePercent: 100 },
});
const inProduction = (firstAt: number) => ({ state: 'in production' as const, since: firstAt, firstAt });
const approved = (at: number, endedAt: number) => ({ version: 1, state: 'approved' as const, at, endedAt });

/** What happened in this world, with the stages that a person reads out of it. */
const world: readonly PlannedEndpoint[] = [
  {
    // Proposed 0, accepted 5, second version 9, live 10, asked for 20, there 24: 5, 4, 1, 10, 4 days.
    name: 'fraud',
    team: 'risk',
    owner: 'ana',
    createdAt: day(10),
    useCase: { proposedAt: day(0), state: 'accepted', decidedAt: day(5) },
    versions: [day(6), day(9), day(60)],
    deployments: [live(2, day(10), day(61)), live(3, day(61))],
    submissions: [{ version: 2, state: 'rejected', at: day(20), endedAt: day(21) }, approved(day(22), day(24))],
    standing: inProduction(day(24)),
  },
  {
    // Without a use case: first version 30, live 32 with it, asked for 34, there 34: 0, 2, 2, 0 days.
    name: 'rank',
    team: 'risk',
    owner: 'ana',
    createdAt: day(31),
    versions: [day(30)],
    deployments: [live(1, day(32))],
    submissions: [approved(day(34), day(34))],
    standing: { state: 'lapsed', since: day(50), firstAt: day(34) },
  },
  {
    // Something else serves it, and it is listed since day 40: approved after 3 of 10 days.
    name: 'seen',
    team: 'growth',
    owner: 'bob',
    kind: 'observed',
    createdAt: day(40),
    useCase: { proposedAt: day(1), state: 'retired', decidedAt: day(70) },
    versions: [],
    submissions: [approved(day(47), day(50))],
    standing: inProduction(day(50)),
  },
  {
    // Deleted since: it was in production all the same.
    name: 'gone',
    team: 'growth',
    owner: 'bob',
    createdAt: day(3),
    deletedAt: day(90),
    versions: [day(2)],
    deployments: [live(1, day(3), day(90))],
    submissions: [approved(day(4), day(6))],
    standing: inProduction(day(6)),
  },
  // On their way, in each of the stages.
  {
    name: 'undecided',
    team: 'risk',
    owner: 'ana',
    createdAt: day(72),
    useCase: { proposedAt: day(70), state: 'proposed' },
    versions: [day(71)],
    deployments: [live(1, day(72))],
  },
  {
    name: 'failing',
    team: 'risk',
    owner: 'ana',
    createdAt: day(81),
    versions: [day(79), day(80)],
    deployments: [{ version: 2, role: 'live', createdAt: day(81) }],
  },
  { name: 'empty', team: 'risk', owner: 'ana', createdAt: day(85), versions: [] },
  {
    name: 'proving',
    team: 'growth',
    owner: 'bob',
    createdAt: day(60),
    versions: [day(60)],
    deployments: [live(1, day(61))],
    submissions: [{ version: 1, state: 'rejected', at: day(62), endedAt: day(65) }],
    standing: { state: 'waiting', since: day(62), firstAt: null },
  },
  {
    name: 'asked',
    team: 'growth',
    owner: 'bob',
    createdAt: day(60),
    versions: [day(60)],
    deployments: [live(1, day(61))],
    submissions: [
      { version: 1, state: 'void', at: day(62), endedAt: day(65) },
      { version: 1, state: 'waiting', at: day(90), endedAt: null },
    ],
    standing: { state: 'waiting', since: day(90), firstAt: null },
  },
  // Neither of these is on its way.
  { name: 'elsewhere', team: 'risk', owner: 'ana', kind: 'observed', createdAt: day(1), versions: [] },
  { name: 'ended', team: 'risk', owner: 'ana', createdAt: day(1), deletedAt: day(2), versions: [] },
];

describe.each(databaseKinds)('time to production on %s', (kind) => {
  let opened: TestDatabase;
  let insights: Insights;
  let queries = 0;
  beforeAll(async () => {
    opened = await openTestDatabase(kind);
    const counting: KyselyPlugin = {
      transformQuery: ({ node }) => node,
      async transformResult({ result }) {
        queries += 1;
        return await Promise.resolve(result);
      },
    };
    insights = createInsights({
      database: { ...opened.database, reader: opened.database.reader.withPlugin(counting) },
      identity: decidingIdentity(),
      clock: { now: () => now },
    });
    await writePlanned(opened.database, world);
  });
  afterAll(async () => await opened.close());

  const days = ({ stages, total }: TimeToProduction['all']) => ({
    count: total.count,
    total: inDays(total.medianMs),
    stages: stages.map(({ medianMs }) => inDays(medianMs)),
  });
  const inDays = (ms: number | null): number | null => (ms === null ? null : ms / dayMs);

  test('of one endpoint is what its rows say, stage by stage', async () => {
    const first = await insights.time(auditor, { team: 'risk', until: new Date(day(30)).toISOString() });
    expect(days(first.all)).toEqual({ count: 1, total: 24, stages: [5, 4, 1, 10, 4] });
    const second = await insights.time(auditor, { team: 'risk', from: new Date(day(34)).toISOString() });
    expect(days(second.all)).toEqual({ count: 1, total: 4, stages: [null, 0, 2, 2, 0] });
  });

  test('counts what something else serves from the day on which it is listed', async () => {
    const { all } = await insights.time(auditor, { team: 'growth', from: new Date(day(50)).toISOString() });
    expect(days(all)).toEqual({ count: 1, total: 10, stages: [null, null, 0, 7, 3] });
  });

  test('is over all, per team, and over newcomers', async () => {
    const report = await insights.time(auditor, {});
    expect(timeToProductionSchema.parse(report)).toEqual(report);
    // 4, 4, 10 and 24 days: rank 2 and rank 4.
    expect([report.all.total.count, inDays(report.all.total.medianMs), inDays(report.all.total.p90Ms)]).toEqual([
      4, 4, 24,
    ]);
    expect(report.teams.map(({ team, total }) => [team, total.count])).toEqual([
      ['growth', 2],
      ['risk', 2],
    ]);
    // The first of ana took 24 days, that of bob 4.
    expect([report.newcomers.total.count, inDays(report.newcomers.total.medianMs)]).toEqual([2, 4]);
    const shares = report.all.stages.map(({ share }) => share ?? 0);
    expect(shares.reduce((sum, share) => sum + share, 0)).toBeCloseTo(1, 12);
  });

  test('names what is on its way, in its stage, since the last thing that happened', async () => {
    const { waiting, waitingCount } = await insights.time(auditor, {});
    expect(waitingCount).toBe(5);
    expect(waiting.map(({ endpoint, stage, since, ms }) => [endpoint, stage, since, ms / dayMs])).toEqual([
      ['proving', 'proving', new Date(day(65)).toISOString(), 35],
      ['undecided', 'deciding', new Date(day(70)).toISOString(), 30],
      ['failing', 'deploying', new Date(day(80)).toISOString(), 20],
      ['empty', 'building', new Date(day(85)).toISOString(), 15],
      ['asked', 'approving', new Date(day(90)).toISOString(), 10],
    ]);
  });

  test('holds what the caller may see and nothing else, also where somebody was first', async () => {
    const { all, teams, waiting, waitingCount } = await insights.time(ofRisk, {});
    expect([all.total.count, teams.map(({ team }) => team), waitingCount]).toEqual([2, ['risk'], 3]);
    expect(new Set(waiting.map(({ team }) => team))).toEqual(new Set(['risk']));
    expect(await insights.time(ofRisk, { team: 'growth' })).toEqual(await insights.time(ofRisk, { team: 'never' }));
    // A rule that lets somebody call an endpoint does not show how it came about.
    const granted = await insights.time(callerWith({ id: 'gil', granted: ['fraud'] }), {});
    expect([granted.all.total.count, granted.waitingCount]).toEqual([0, 0]);
    const limited = callerWith({ id: 'aud', platformRoles: ['auditor'], token: { resources: ['endpoint/fraud'] } });
    expect((await insights.time(limited, {})).all.total.count).toBe(1);
  });

  test('is four queries, however many endpoints there are', async () => {
    queries = 0;
    await insights.time(auditor, {});
    expect(queries).toBe(4);
  });

  test('refuses a time that ends before it begins, at its place', async () => {
    const at = new Date(day(1)).toISOString();
    await expect(insights.time(auditor, { from: at, until: at })).rejects.toMatchObject({
      code: 'invalid_request',
      place: 'query.until',
    });
  });
});
