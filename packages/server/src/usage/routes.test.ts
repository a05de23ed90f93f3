import { type EndpointCallers, type Problem, callersSchema } from '@muster-ml/protocol';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type TestDatabase, openTestDatabase } from '../../test-support/database.ts';
import { callerWith } from '../../test-support/identity.ts';
import { type TestApi, codeOf, openTestApi } from '../../test-support/test-api.ts';
import { aCount, aUsageRoom } from '../../test-support/usage-room.ts';
import { usageRoutes } from './index.ts';

const callers = {
  alice: callerWith({ teams: { risk: ['operator'] } }),
  rita: callerWith({ id: 'rita', teams: { risk: ['viewer'] } }),
  grant: callerWith({ id: 'grant', granted: ['e'] }),
  sam: callerWith({ id: 'sam', teams: { sales: ['operator'] } }),
  lim: callerWith({ id: 'lim', teams: { risk: ['operator'] }, token: { actions: ['endpoint.predict'] } }),
};

/** The room's route as clients meet it: status and the code of each refusal. */
describe('the route of callers', () => {
  let opened: TestDatabase;
  let api: TestApi;

  beforeAll(async () => {
    opened = await openTestDatabase('sqlite');
    const { usage } = aUsageRoom(opened.database);
    await usage.keep({ stream: 's', sequence: 1, counts: [aCount(), aCount({ actor: 'alice' })], quotas: [] });
    api = openTestApi(callers, usageRoutes(usage));
  });
  afterAll(async () => {
    await api.close();
    await opened.close();
  });

  const get = async (path: string, as = 'alice') => await api.call('GET', path, undefined, { authorization: as });

  it('answers 200 with who called, as many as are asked for', async () => {
    const answer = await get('/endpoints/e/callers');
    expect(answer.statusCode).toBe(200);
    const found: EndpointCallers = callersSchema.parse(answer.json());
    expect(found.callers.map(({ actor }) => actor)).toEqual(['alice', 'ana']);
    const one = (await get('/endpoints/e/callers?hours=48&limit=1')).json<EndpointCallers>();
    expect([one.callers.length, one.omitted, one.total.requests]).toEqual([1, 1, 2]);
  });

  it.each(['hours=0', 'hours=9601', 'hours=x', 'limit=0', 'limit=1001', 'days=1'])(
    'answers 400 to %s',
    async (query) => {
      expect(await codeOf(get(`/endpoints/e/callers?${query}`))).toEqual([400, 'invalid_request']);
    },
  );

  it('answers 401 without a token', async () => {
    expect(await codeOf(get('/endpoints/e/callers', 'nobody'))).toEqual([401, 'token_missing']);
  });

  it.each(['rita', 'grant', 'lim'])('answers 403 to %s, who sees the endpoint only', async (name) => {
    expect(await codeOf(get('/endpoints/e/callers', name))).toEqual([403, 'not_allowed']);
  });

  it('answers 404 alike for what is not there and what may not be seen', async () => {
    const [hidden, absent] = [await get('/endpoints/e/callers', 'sam'), await get('/endpoints/x/callers', 'sam')];
    expect([hidden.statusCode, absent.statusCode]).toEqual([404, 404]);
    const alike = (answer: typeof hidden, name: string): object => {
      const { requestId: _requestId, detail, ...rest } = answer.json<Problem>();
      return { ...rest, detail: detail.replace(new RegExp(`\\b${name}$`), '') };
    };
    expect(alike(hidden, 'e')).toEqual(alike(absent, 'x'));
  });
});
