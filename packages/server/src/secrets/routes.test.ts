import type { Secret } from '@muster-ml/protocol';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type TestDatabase, databaseKinds, openTestDatabase } from '../../test-support/database.ts';
import { callerWith } from '../../test-support/identity.ts';
import { type SecretsRoom, openSecretsRoom } from '../../test-support/secrets-room.ts';
import { type TestApi, codeOf, openTestApi } from '../../test-support/test-api.ts';
import { secretRoutes } from './index.ts';

const olga = callerWith({ id: 'olga', teams: { risk: ['operator'] } });
const vera = callerWith({ id: 'vera', teams: { risk: ['viewer'] } });
const sam = callerWith({ id: 'sam', teams: { sales: ['operator'] } });
const adam = callerWith({ id: 'adam', platformRoles: ['admin'] });
const limited = callerWith({ id: 'olga', teams: { risk: ['operator'] }, token: { actions: ['secret.read'] } });
const secretValue = 'hunter2-hunter2';

describe.each(databaseKinds)('the routes of secrets, on %s', (kind) => {
  let opened: TestDatabase;
  let room: SecretsRoom;
  let api: TestApi;
  beforeAll(async () => {
    opened = await openTestDatabase(kind);
    room = await openSecretsRoom(opened.database);
    await room.secrets.start();
    api = openTestApi({ olga, vera, sam, adam, limited }, secretRoutes(room.secrets));
    await call('PUT', '/secrets/risk/api-key', { value: secretValue });
  });
  afterAll(async () => {
    await api.close();
    await room.close();
    await opened.close();
  });

  const call = async (...given: Parameters<TestApi['call']>) => await api.call(...given);
  const as = (authorization: string) => ({ authorization });

  it('answer 200 with everything but the value', async () => {
    const set = await call('PUT', '/secrets/risk/other', { value: secretValue });
    expect([set.statusCode, set.json()]).toMatchObject([
      200,
      { team: 'risk', name: 'other', reference: 'secret://risk/other', version: 1, createdBy: 'olga', usedBy: [] },
    ]);
    const read = await call('GET', '/secrets/risk/other', undefined, as('vera'));
    expect(read.json()).toEqual(set.json());
    expect(set.body + read.body).not.toContain(secretValue);
    expect((await call('DELETE', '/secrets/risk/other')).statusCode).toBe(204);
    expect(await codeOf(call('GET', '/secrets/risk/other'))).toEqual([404, 'secret_not_found']);
  });

  it('list by pages what the caller may see, and nothing else', async () => {
    for (const name of ['b', 'a', 'c']) await call('PUT', `/secrets/risk/${name}`, { value: secretValue });
    const names = async (path: string, who: string) => {
      const answer = (await call('GET', path, undefined, as(who))).json<{ items: Secret[]; next?: string }>();
      return { names: answer.items.map(({ name }) => name), next: answer.next };
    };
    const page = await names('/secrets?limit=2', 'vera');
    expect(page.names).toEqual(['a', 'api-key']);
    expect(await names(`/secrets?limit=2&after=${page.next}`, 'vera')).toEqual({ names: ['b', 'c'], next: undefined });
    expect(await names('/secrets', 'sam')).toEqual({ names: [], next: undefined });
    expect((await names('/secrets', 'adam')).names).toEqual(['a', 'api-key', 'b', 'c']);
    for (const name of ['b', 'a', 'c']) await call('DELETE', `/secrets/risk/${name}`);
  });

  it('answer 202 with the operation that replaces the key, which its location reads', async () => {
    const answer = await call('POST', '/secrets/rotate-key', undefined, as('adam'));
    expect([answer.statusCode, answer.json()]).toMatchObject([202, { kind: 'rotate-key', state: 'running' }]);
    expect(await room.ended(answer.json<{ id: string }>().id)).toMatchObject({ state: 'succeeded' });
    expect(answer.body).not.toContain(secretValue);
  });

  const tooLong = 'x'.repeat(64 * 1024 + 1);
  const refusals: readonly [number, string, Parameters<TestApi['call']>][] = [
    [400, 'invalid_request', ['PUT', '/secrets/risk/api-key', {}]],
    [400, 'invalid_request', ['PUT', '/secrets/risk/api-key', { value: secretValue, base64: 'aGVsbG8=' }]],
    [400, 'invalid_request', ['PUT', '/secrets/risk/api-key', { value: 'abc' }]],
    [400, 'invalid_request', ['PUT', '/secrets/risk/api-key', { value: tooLong }]],
    [400, 'invalid_request', ['PUT', '/secrets/risk/api-key', { value: 'ä'.repeat(40_000) }]],
    [400, 'invalid_request', ['PUT', '/secrets/risk/api-key', { value: 'nul\0nul' }]],
    [400, 'invalid_request', ['PUT', '/secrets/risk/api-key', { base64: 'no base64!' }]],
    [400, 'invalid_request', ['PUT', '/secrets/risk/api-key', { valeu: secretValue }]],
    [400, 'invalid_request', ['PUT', '/secrets/risk/Api_Key', { value: secretValue }]],
    [400, 'invalid_request', ['GET', '/secrets?after=bm9uZQ']],
    [400, 'invalid_request', ['DELETE', '/secrets/risk/api-key?force=other']],
    [401, 'token_missing', ['GET', '/secrets', undefined, as('')]],
    [401, 'token_missing', ['PUT', '/secrets/risk/api-key', { value: secretValue }, as('')]],
    [403, 'not_allowed', ['PUT', '/secrets/risk/api-key', { value: secretValue }, as('vera')]],
    [403, 'not_allowed', ['DELETE', '/secrets/risk/api-key', undefined, as('vera')]],
    [403, 'not_allowed', ['PUT', '/secrets/risk/api-key', { value: secretValue }, as('limited')]],
    [403, 'not_allowed', ['POST', '/secrets/rotate-key', undefined, as('olga')]],
    [404, 'secret_not_found', ['GET', '/secrets/risk/none']],
    [404, 'secret_not_found', ['DELETE', '/secrets/risk/none']],
    [404, 'secret_not_found', ['GET', '/secrets/risk/api-key', undefined, as('sam')]],
    [404, 'secret_not_found', ['DELETE', '/secrets/risk/api-key', undefined, as('sam')]],
    [404, 'secret_not_found', ['PUT', '/secrets/risk/api-key', { value: secretValue }, as('sam')]],
  ];

  it.each(refusals)('answer %i %s', async (status, code, given) => {
    const answer = await call(...given);
    expect([answer.statusCode, answer.json<{ code: string }>().code]).toEqual([status, code]);
    expect(answer.body).not.toContain(secretValue);
    expect(answer.body).not.toContain(tooLong);
  });

  it('answer 409 while a deployment refers to it', async () => {
    room.users.push({
      endpoint: 'fraud',
      team: 'risk',
      deployment: 'd1',
      variable: 'API_KEY',
      reference: 'secret://risk/api-key',
    });
    expect(await codeOf(call('DELETE', '/secrets/risk/api-key'))).toEqual([409, 'secret_in_use']);
    room.users.length = 0;
  });

  it('answer alike for what is hidden and what does not exist, also where it would be made', async () => {
    const answerOf = async (team: string, method: string, body?: object) => {
      const answer = await call(method, `/secrets/${team}/api-key`, body, { ...as('sam'), 'x-request-id': 'same' });
      return [answer.statusCode, answer.body.replaceAll(team, 'TEAM')];
    };
    for (const method of ['GET', 'DELETE'])
      expect(await answerOf('risk', method)).toEqual(await answerOf('nowhere', method));
    const body = { value: secretValue };
    expect(await answerOf('risk', 'PUT', body)).toEqual(await answerOf('nowhere', 'PUT', body));
  });
});
