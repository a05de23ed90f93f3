import { pageOf, useCaseSchema } from '@muster-ml/protocol';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type TestDatabase, openTestDatabase } from '../../test-support/database.ts';
import { callerWith } from '../../test-support/identity.ts';
import { type TestApi, codeOf, openTestApi } from '../../test-support/test-api.ts';
import { answers, openUseCasesRoom } from '../../test-support/use-cases-room.ts';
import { useCaseRoutes } from './routes.ts';

const callers = {
  dan: callerWith({ id: 'dan', teams: { risk: ['data-scientist'] } }),
  olga: callerWith({ id: 'olga', teams: { risk: ['approver'] } }),
  vera: callerWith({ id: 'vera', teams: { risk: ['viewer'] } }),
  sam: callerWith({ id: 'sam', teams: { sales: ['approver'] } }),
  limited: callerWith({ id: 'dan', teams: { risk: ['data-scientist'] }, token: { actions: ['endpoint.read'] } }),
};
const wish = { name: 'fraud-alerts', team: 'risk', title: 'Find fraud', problem: 'It costs a lot' };
const decision = { reason: 'It pays for itself in a month.', riskTier: 'limited' };

/** The room's routes as clients meet them: status, headers and the code of each refusal. */
describe('the routes of use cases', () => {
  let opened: TestDatabase;
  let api: TestApi;
  beforeAll(async () => {
    opened = await openTestDatabase('sqlite');
    const { useCases } = await openUseCasesRoom(opened.database);
    api = openTestApi(callers, useCaseRoutes(useCases));
    await call('POST', '', wish);
  });
  afterAll(async () => {
    await api.close();
    await opened.close();
  });

  const call = async (method: string, path: string, body?: object, headers: Record<string, string> = {}) =>
    await api.call(method, `/use-cases${path}`, body, headers);

  it('answer what the protocol says, from the proposal to the end', async () => {
    const made = await call('POST', '', { ...wish, name: 'whole-way' });
    expect([made.statusCode, made.headers.etag]).toEqual([201, '"1"']);
    const steps: readonly [string, object, string, string][] = [
      ['/review', { answers: answers() }, 'dan', 'proposed'],
      ['/accept', decision, 'olga', 'accepted'],
      ['/retire', { reason: decision.reason }, 'olga', 'retired'],
    ];
    for (const [path, body, authorization, state] of steps) {
      const answer = await call('POST', `/whole-way${path}`, body, { authorization });
      expect([answer.statusCode, useCaseSchema.parse(answer.json()).state]).toEqual([200, state]);
    }
    const list = await call('GET', '?state=retired&team=risk&limit=5', undefined, { authorization: 'vera' });
    expect(
      pageOf(useCaseSchema)
        .parse(list.json())
        .items.map(({ name }) => name),
    ).toEqual(['whole-way']);
    const one = await call('GET', '/whole-way', undefined, { authorization: 'vera' });
    expect([one.statusCode, one.headers.etag]).toEqual([200, '"4"']);
  });

  it('answer 412 to a change of what was changed meanwhile, and 200 to the repeated one', async () => {
    await call('POST', '', { ...wish, name: 'etag' });
    const patch = async (etag: string) => await call('PATCH', '/etag', { sponsor: 'sam' }, { 'if-match': etag });
    expect(await codeOf(patch('"7"'))).toEqual([412, 'stale_revision']);
    const fresh = await patch('"1"');
    expect([fresh.statusCode, fresh.headers.etag]).toEqual([200, '"2"']);
  });

  const target = { name: 'fraud found', target: 0.8 };
  const refusals: readonly [number, string, Parameters<typeof call>][] = [
    [400, 'invalid_request', ['POST', '', { name: 'x', team: 'risk', title: 'x' }]],
    [400, 'invalid_request', ['POST', '', { ...wish, name: 'No Name' }]],
    [400, 'invalid_request', ['POST', '', { ...wish, name: 'x', surprise: true }]],
    [400, 'invalid_request', ['POST', '', { ...wish, name: 'x', metric: { name: 'found' } }]],
    [400, 'invalid_request', ['POST', '', { ...wish, name: 'x', metric: { ...target, targetKnownBy: '2027-01-01' } }]],
    [400, 'invalid_request', ['POST', '', { ...wish, name: 'x', value: { amount: 1, currency: 'euro', per: 'x' } }]],
    [400, 'invalid_request', ['POST', '', { ...wish, name: 'x', title: '\ud800' }]],
    [400, 'invalid_request', ['POST', '/fraud-alerts/review', { answers: { ...answers(), rule: undefined } }]],
    [400, 'invalid_request', ['POST', '/fraud-alerts/decline', { reason: 'no' }, { authorization: 'olga' }]],
    [400, 'invalid_request', ['POST', '/fraud-alerts/accept', { reason: decision.reason }, { authorization: 'olga' }]],
    [400, 'invalid_request', ['GET', '?state=open']],
    [401, 'token_missing', ['GET', '', undefined, { authorization: 'nobody' }]],
    [403, 'not_allowed', ['POST', '/fraud-alerts/accept', decision]],
    [403, 'not_allowed', ['POST', '/fraud-alerts/review', { answers: answers() }, { authorization: 'olga' }]],
    [403, 'not_allowed', ['PATCH', '/fraud-alerts', { title: 'x' }, { authorization: 'vera' }]],
    [403, 'not_allowed', ['POST', '/fraud-alerts/retire', { reason: decision.reason }]],
    [403, 'not_allowed', ['GET', '', undefined, { authorization: 'limited' }]],
    [404, 'team_not_found', ['POST', '', { ...wish, name: 'x', team: 'sales' }]],
    [404, 'usecase_not_found', ['GET', '/nope']],
    [404, 'usecase_not_found', ['GET', '/fraud-alerts', undefined, { authorization: 'sam' }]],
    [404, 'usecase_not_found', ['POST', '/fraud-alerts/accept', decision, { authorization: 'sam' }]],
    [409, 'usecase_exists', ['POST', '', wish]],
    [412, 'usecase_not_reviewed', ['POST', '/fraud-alerts/accept', decision, { authorization: 'olga' }]],
    [412, 'usecase_state', ['POST', '/fraud-alerts/retire', { reason: decision.reason }, { authorization: 'olga' }]],
  ];
  it.each(refusals)('answer %i %s', async (status, code, request) => {
    expect(await codeOf(call(...request))).toEqual([status, code]);
  });
});
