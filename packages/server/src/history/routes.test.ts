import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { fleetEndpointSchema, historyIntervalSchema, pageOf } from '@muster-ml/protocol';
import { type TestDatabase, openTestDatabase } from '../../test-support/database.ts';
import { callerOf } from '../../test-support/deployments/deployments-room.ts';
import { type HistoryRoom, openHistoryRoom } from '../../test-support/history-room.ts';
import { callerWith } from '../../test-support/identity.ts';
import { type TestApi, codeOf, openTestApi } from '../../test-support/test-api.ts';
import { historyRoutes } from './routes.ts';

const callers = {
  ana: callerOf('default'),
  eve: callerOf('default', false),
  sam: callerWith({ id: 'sam', teams: { risk: ['viewer'] } }),
  granted: callerWith({ id: 'gil', granted: ['fraud'] }),
  limited: callerWith({ id: 'ana', teams: { default: ['viewer'] }, token: { actions: ['endpoint.predict'] } }),
};

describe('the routes of history and fleet', () => {
  let opened: TestDatabase;
  let its: HistoryRoom;
  let api: TestApi;
  beforeAll(async () => {
    opened = await openTestDatabase('sqlite');
    its = await openHistoryRoom(opened.database);
    api = openTestApi(callers, historyRoutes(its.history));
    await its.deploy('fraud', 1);
  });
  afterAll(async () => {
    await api.close();
    await its.room.deployments.reconciler.drain();
    await opened.close();
  });

  const count = async (path: string, authorization: string): Promise<number> =>
    (await api.call('GET', path, undefined, { authorization })).json<{ items: unknown[] }>().items.length;

  test('answer what the protocol says', async () => {
    const history = await api.call('GET', '/history?endpoint=fraud&limit=5');
    expect(history.statusCode).toBe(200);
    expect(pageOf(historyIntervalSchema).parse(history.json()).items).toMatchObject([
      { endpoint: 'fraud', version: 1, sharePercent: 100, until: null, end: null, deleted: false },
    ]);
    const fleet = await api.call('GET', '/fleet?sort=requests');
    expect(fleet.statusCode).toBe(200);
    expect(pageOf(fleetEndpointSchema).parse(fleet.json()).items).toMatchObject([{ name: 'fraud', usage: null }]);
  });

  test('hold what the caller may read, and nothing else', async () => {
    expect(await count('/history', 'eve')).toBe(1);
    expect(await count('/history', 'sam')).toBe(0);
    // Who may call an endpoint sees that it is there, and not what was.
    expect(await count('/history', 'granted')).toBe(0);
    expect(await count('/fleet', 'granted')).toBe(1);
    expect(await count('/fleet', 'sam')).toBe(0);
    for (const path of ['/history', '/fleet'])
      expect(await codeOf(api.call('GET', path, undefined, { authorization: 'limited' }))).toEqual([
        403,
        'not_allowed',
      ]);
  });

  test('answer alike for what is hidden and what never was', async () => {
    const bodies = await Promise.all(
      ['fraud', 'never'].map(
        async (name) => (await api.call('GET', `/history?endpoint=${name}`, undefined, { authorization: 'sam' })).body,
      ),
    );
    expect(bodies[0]).toBe(bodies[1]);
  });

  test('refuse a question that makes no sense, at its place', async () => {
    for (const path of [
      '/history?at=yesterday',
      '/history?endpoint=No%20Slug',
      '/history?version=1',
      '/history?at=2026-11-01T00:00:00Z&from=2026-11-01T00:00:00Z',
      '/history?after=x',
      '/history?when=now',
      '/fleet?sort=cost',
      '/fleet?search=%25',
      '/fleet?limit=1001',
    ])
      expect([path, ...(await codeOf(api.call('GET', path)))]).toEqual([path, 400, 'invalid_request']);
    expect(await codeOf(api.call('GET', '/history', undefined, { authorization: 'nobody' }))).toEqual([
      401,
      'token_missing',
    ]);
  });
});
