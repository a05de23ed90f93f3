import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type TestDatabase, openTestDatabase } from '../../test-support/database.ts';
import {
  type DeploymentsRoom,
  callerOf,
  openDeploymentsRoom,
} from '../../test-support/deployments/deployments-room.ts';
import { type TestApi, openTestApi } from '../../test-support/test-api.ts';
import { deploymentRoutes } from './index.ts';

const callers = { 'Bearer ana': callerOf('default'), 'Bearer eve': callerOf('default', false) };

/** The room's routes as clients meet them: status, headers and the code of each refusal. */
describe('the routes of endpoints', () => {
  let opened: TestDatabase;
  let room: DeploymentsRoom;
  let api: TestApi;
  beforeAll(async () => {
    opened = await openTestDatabase('sqlite');
    room = await openDeploymentsRoom(opened.database);
    api = openTestApi(callers, deploymentRoutes(room.deployments));
    const first = await call('POST', '/fraud/deployments', { model: 'm', version: 1 });
    await room.ended({ ...(await room.operations.get(first.json<{ id: string }>().id)).operation });
  });
  afterAll(async () => {
    await api.close();
    await room.deployments.reconciler.drain();
    await opened.close();
  });

  const call = async (
    method: Parameters<TestApi['call']>[0],
    path: string,
    ...more: [object?, Record<string, string>?]
  ) => await api.call(method, `/endpoints${path}`, ...more);

  it('answer 202 with an operation and where to follow it', async () => {
    const answer = await call('POST', '/accepted/deployments', { model: 'm', alias: 'champion' });
    expect(answer.statusCode).toBe(202);
    expect(answer.headers.location).toBe(`/api/v1/operations/${answer.json<{ id: string }>().id}`);
    expect(answer.json()).toMatchObject({ kind: 'deploy', subject: 'endpoint/accepted', state: 'running' });
  });

  it('answer 200 with an endpoint, its ETag, lists and events', async () => {
    const one = await call('GET', '/fraud');
    expect([one.statusCode, one.headers.etag]).toEqual([200, '"1"']);
    expect((await call('GET', '?limit=1')).json()).toMatchObject({
      items: [{}],
      next: expect.stringContaining('') as string,
    });
    expect((await call('GET', '/fraud/events')).json()).toMatchObject({
      items: [{ what: 'ready' }, { what: 'deploy' }, { what: 'created' }],
    });
  });

  it('answer 412 to an update of what was changed meanwhile, and 200 to the repeated one', async () => {
    await call('POST', '/etag/deployments', { model: 'm', version: 1 });
    const patch = async (etag: string) => await call('PATCH', '/etag', { description: 'new' }, { 'if-match': etag });
    const stale = await patch('"7"');
    expect([stale.statusCode, stale.json<{ code: string }>().code]).toEqual([412, 'stale_revision']);
    const fresh = await patch('"1"');
    expect([fresh.statusCode, fresh.headers.etag]).toEqual([200, '"2"']);
  });

  it('answer 204 to what leaves nothing to say', async () => {
    const made = await call('POST', '/ends/deployments', { model: 'm', version: 1 });
    expect(made.statusCode).toBe(202);
    expect((await call('DELETE', '/ends')).statusCode).toBe(204);
    expect((await call('GET', '/ends')).statusCode).toBe(404);
  });

  const refusals: readonly [number, string, Parameters<typeof call>][] = [
    [400, 'invalid_request', ['POST', '/fraud/deployments', { model: 'm' }]],
    [400, 'invalid_request', ['POST', '/fraud/deployments', { model: 'm', version: 1, role: 'canary' }]],
    [400, 'invalid_request', ['POST', '/fraud/deployments', { model: 'm', version: 1, surprise: true }]],
    [400, 'invalid_request', ['POST', '/Not%20a%20name/deployments', { model: 'm', version: 1 }]],
    [403, 'not_allowed', ['POST', '/fraud/rollback', {}, { authorization: 'Bearer eve' }]],
    [404, 'endpoint_not_found', ['GET', '/nope']],
    [404, 'endpoint_not_found', ['POST', '/nope/promote']],
    [404, 'deployment_not_found', ['DELETE', '/fraud/deployments/nope']],
    [404, 'version_not_found', ['POST', '/fraud/deployments', { model: 'm', version: 99 }]],
    [409, 'signature_breaks_callers', ['POST', '/fraud/deployments', { model: 'm', version: 50 }]],
    [412, 'nothing_to_promote', ['POST', '/fraud/promote']],
    [412, 'nothing_to_roll_back', ['POST', '/fraud/rollback', {}]],
  ];

  it.each(refusals)('answer %i %s', async (status, code, given) => {
    const answer = await call(...given);
    expect([answer.statusCode, answer.json<{ code: string }>().code]).toEqual([status, code]);
    expect(answer.headers['content-type']).toContain('application/problem+json');
  });

  it('answer 401 without a token', async () => {
    expect((await api.app.inject({ method: 'GET', url: '/api/v1/endpoints' })).statusCode).toBe(401);
  });
});
