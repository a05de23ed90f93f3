import { timeToProductionSchema } from '@muster-ml/protocol';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type TestDatabase, openTestDatabase } from '../../test-support/database.ts';
import { callerWith, decidingIdentity } from '../../test-support/identity.ts';
import { writePlanned } from '../../test-support/planned-endpoint.ts';
import { type TestApi, codeOf, openTestApi } from '../../test-support/test-api.ts';
import { createInsights } from './insights.ts';
import { insightRoutes } from './routes.ts';

const callers = {
  ana: callerWith({ id: 'ana', teams: { risk: ['viewer'] } }),
  sam: callerWith({ id: 'sam', teams: { growth: ['operator'] } }),
  limited: callerWith({ id: 'ana', teams: { risk: ['viewer'] }, token: { actions: ['endpoint.predict'] } }),
};

describe('the route of the time to production', () => {
  let opened: TestDatabase;
  let api: TestApi;
  beforeAll(async () => {
    opened = await openTestDatabase('sqlite');
    const insights = createInsights({
      database: opened.database,
      identity: decidingIdentity(),
      clock: { now: () => 1000 },
    });
    api = openTestApi(callers, insightRoutes(insights));
    await writePlanned(opened.database, [{ name: 'fraud', team: 'risk', owner: 'ana', createdAt: 10, versions: [5] }]);
  });
  afterAll(async () => {
    await api.close();
    await opened.close();
  });

  const waiting = async (path: string, authorization: string): Promise<number> => {
    const answer = await api.call('GET', path, undefined, { authorization });
    expect(answer.statusCode).toBe(200);
    return timeToProductionSchema.parse(answer.json()).waitingCount;
  };

  test('answers what the protocol says, of what the caller may see', async () => {
    expect(await waiting('/insights/time', 'ana')).toBe(1);
    expect(await waiting('/insights/time?team=risk&from=2026-01-01T00:00:00Z', 'ana')).toBe(1);
    expect(await waiting('/insights/time', 'sam')).toBe(0);
  });

  test('is not for a token that is not for it', async () => {
    expect(await codeOf(api.call('GET', '/insights/time', undefined, { authorization: 'limited' }))).toEqual([
      403,
      'not_allowed',
    ]);
    expect(await codeOf(api.call('GET', '/insights/time', undefined, { authorization: 'nobody' }))).toEqual([
      401,
      'token_missing',
    ]);
  });

  test('refuses a question that makes no sense', async () => {
    for (const query of [
      'from=yesterday',
      'team=No%20Slug',
      'when=now',
      'from=2026-02-01T00:00:00Z&until=2026-01-01T00:00:00Z',
    ])
      expect([query, ...(await codeOf(api.call('GET', `/insights/time?${query}`)))]).toEqual([
        query,
        400,
        'invalid_request',
      ]);
  });
});
