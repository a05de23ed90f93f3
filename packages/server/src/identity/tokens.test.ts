import type { AccessRule, Page, Token } from '@muster-ml/protocol';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { databaseKinds } from '../../test-support/database.ts';
import { type OpenIdentityRoom, dayMs, openIdentityRoom } from '../../test-support/identity-room.ts';
import { reaches } from '../../test-support/reaches.ts';
import { codeOf } from '../../test-support/test-api.ts';
import { looksLikeToken, tokenDigest } from './token.ts';

type Created = Token & { readonly token: string };

describe.each(databaseKinds)('tokens and access on %s', (kind) => {
  let open: OpenIdentityRoom;
  beforeEach(async () => {
    open = await openIdentityRoom(kind);
    await open.call(open.admin, 'POST', '/teams', { name: 'risk' });
    open.endpoints.set('fraud', 'risk').set('churn', 'default');
  });
  afterEach(async () => {
    await open.close();
  });
  const create = async (by: string, body: object): Promise<Created> =>
    (await open.call(by, 'POST', '/tokens', body)).json<Created>();

  test('a token is shown once, kept as a digest, and expires', async () => {
    const made = await create(open.admin, { note: 'notebook', expiresInDays: 2 });
    expect(looksLikeToken(made.token)).toBe(true);
    expect(made).toMatchObject({ kind: 'personal', state: 'live', note: 'notebook', last4: made.token.slice(-4) });
    const listed = await open.get<Page<Token>>(open.admin, '/tokens');
    expect(listed.items.map(({ id }) => id)).toContain(made.id);
    expect(JSON.stringify(listed)).not.toContain(made.token);
    expect(JSON.stringify(await open.entries())).not.toContain(made.token.slice(5));
    expect((await open.call(made.token, 'GET', '/whoami')).statusCode).toBe(200);
    open.now += 2 * dayMs;
    expect(await codeOf(open.call(made.token, 'GET', '/whoami'))).toEqual([401, 'token_expired']);
    const late = await open.get<Page<Token>>(open.admin, '/tokens');
    expect(late.items.find(({ id }) => id === made.id)?.state).toBe('expired');
  });

  test.each([
    ['of no form', 'hello'],
    ['with a wrong checksum', `mstp_${'a'.repeat(49)}`],
    ['empty', ''],
  ])('a token %s is refused', async (_what, token) => {
    expect((await open.call(token, 'GET', '/whoami')).statusCode).toBe(401);
  });

  test('a revoked token does nothing at once, and ending it twice is no second entry', async () => {
    const made = await create(open.admin, {});
    expect((await open.call(open.admin, 'DELETE', `/tokens/${made.id}`)).statusCode).toBe(204);
    expect(await codeOf(open.call(made.token, 'GET', '/whoami'))).toEqual([401, 'token_invalid']);
    const before = (await open.entries()).length;
    expect((await open.call(open.admin, 'DELETE', `/tokens/${made.id}`)).statusCode).toBe(204);
    expect(await open.entries()).toHaveLength(before);
  });

  test('tokens of others do not exist', async () => {
    const ana = await open.add('ana', 'operator@risk');
    const roots = await create(open.admin, {});
    const hidden = await open.call(ana, 'DELETE', `/tokens/${roots.id}`);
    expect([hidden.statusCode, hidden.json<{ code: string }>().code]).toEqual([404, 'token_not_found']);
    expect(await codeOf(open.call(ana, 'GET', '/tokens?actor=root'))).toEqual([404, 'actor_not_found']);
    const auditor = await open.add('auditor', 'auditor');
    expect((await open.get<Page<Token>>(auditor, '/tokens?actor=root')).items.length).toBeGreaterThan(1);
    expect(await codeOf(open.call(auditor, 'DELETE', `/tokens/${roots.id}`))).toEqual([403, 'not_allowed']);
  });

  test('a disabled actor’s tokens do nothing, until it is enabled again', async () => {
    const ana = await open.add('ana', 'operator@risk');
    await open.call(open.admin, 'PATCH', '/actors/ana', { disabled: true });
    expect(await codeOf(open.call(ana, 'GET', '/whoami'))).toEqual([401, 'token_invalid']);
    expect((await open.room.grants()).tokens.some(({ digest }) => digest === tokenDigest(ana))).toBe(false);
    await open.call(open.admin, 'PATCH', '/actors/ana', { disabled: false });
    expect((await open.call(ana, 'GET', '/whoami')).statusCode).toBe(200);
  });

  test('a limited token makes none that may more, or lives longer', async () => {
    const limited = await create(open.admin, {
      actions: ['token.create', 'endpoint.predict'],
      resources: ['team/risk'],
      expiresInDays: 5,
    });
    expect(limited.kind).toBe('personal');
    const beyond = open.call(limited.token, 'POST', '/tokens', { actions: ['endpoint.delete'] });
    // A token that is limited to a team reaches no tokens, which belong to none.
    expect(await codeOf(beyond)).toEqual([403, 'not_allowed']);
    const byAction = await create(open.admin, { actions: ['token.create', 'endpoint.predict'], expiresInDays: 5 });
    const more = open.call(byAction.token, 'POST', '/tokens', { actions: ['endpoint.delete'] });
    expect(await codeOf(more)).toEqual([400, 'token_limits']);
    const same = await create(byAction.token, { expiresInDays: 300 });
    expect(same.actions).toEqual(['endpoint.predict', 'token.create']);
    expect(same.expiresAt).toBe(byAction.expiresAt);
    const other = await create(byAction.token, { actions: ['endpoint.predict'], resources: ['endpoint/fraud'] });
    expect(other.kind).toBe('endpoint');
    expect(other.token.startsWith('mste_')).toBe(true);
  });

  test('who makes a token for a service account answers for every place where it holds a role', async () => {
    const lead = await open.add('lead', 'admin@risk');
    await open.call(lead, 'POST', '/actors', { name: 'ci', kind: 'service', team: 'risk' });
    await open.call(lead, 'PUT', '/teams/risk/members/ci/roles/operator');
    const mint = () => open.call(lead, 'POST', '/tokens', { actor: 'ci' });
    expect((await mint()).statusCode).toBe(201);
    await open.call(open.admin, 'PUT', '/teams/default/members/ci/roles/operator');
    expect(await codeOf(mint())).toEqual([400, 'token_limits']);
    await open.call(open.admin, 'DELETE', '/teams/default/members/ci/roles/operator');
    await open.call(open.admin, 'PUT', '/actors/ci/platform-roles/auditor');
    expect(await codeOf(mint())).toEqual([400, 'token_limits']);
    expect((await open.call(open.admin, 'POST', '/tokens', { actor: 'ci' })).statusCode).toBe(201);
  });

  test('a token can do no more than its owner now may', async () => {
    const ana = await open.add('ana', 'admin');
    expect((await open.call(ana, 'POST', '/teams', { name: 'sales' })).statusCode).toBe(201);
    await open.call(open.admin, 'DELETE', '/actors/ana/platform-roles/admin');
    expect(await codeOf(open.call(ana, 'POST', '/teams', { name: 'more' }))).toEqual([403, 'not_allowed']);
  });

  test('who finds a token can end it, and learns nothing of one that nobody has', async () => {
    const ana = await open.add('ana');
    const roots = await create(open.admin, {});
    const report = async (token: string) => (await open.call(ana, 'POST', '/leaked-tokens', { token })).json<unknown>();
    expect(await report('no token at all')).toEqual({ revoked: false });
    expect(await report(roots.token)).toEqual({ revoked: true });
    expect(await report(roots.token)).toEqual({ revoked: false });
    expect((await open.call(roots.token, 'GET', '/whoami')).statusCode).toBe(401);
  });

  test('an access rule lets an actor or a team call an endpoint, until it ends or expires', async () => {
    const ana = await open.add('ana');
    await open.call(open.admin, 'POST', '/teams', { name: 'web' });
    const bob = await open.add('bob', 'viewer@web');
    const operator = await open.add('op', 'operator@risk');
    const path = '/endpoints/fraud/access';
    const set = await open.call(operator, 'PUT', `${path}/actor/ana`, { ratePerSecond: 2.5, expiresInDays: 3 });
    expect(set.json<AccessRule>()).toMatchObject({ subjectName: 'ana', ratePerSecond: 2.5, requestsPerDay: null });
    expect((await open.call(operator, 'PUT', `${path}/team/web`, { requestsPerDay: 10 })).statusCode).toBe(200);
    const predicts = async (token: string) =>
      (await open.room.grants()).tokens.some(
        ({ digest, predict }) => digest === tokenDigest(token) && reaches(predict, { name: 'fraud', team: 'risk' }),
      );
    expect([await predicts(ana), await predicts(bob)]).toEqual([true, true]);
    expect((await open.room.grants()).limits).toMatchObject([
      { endpoint: 'fraud', ratePerSecond: 2.5, requestsPerDay: null },
      { endpoint: 'fraud', ratePerSecond: null, requestsPerDay: 10 },
    ]);
    const listed = await open.get<Page<AccessRule>>(operator, `${path}?limit=1`);
    expect(listed.items).toHaveLength(1);
    const rest = await open.get<Page<AccessRule>>(operator, `${path}?after=${encodeURIComponent(listed.next ?? '')}`);
    expect(rest.items.map(({ subjectName }) => subjectName)).toEqual(['web']);
    open.now += 3 * dayMs;
    expect([await predicts(ana), await predicts(bob)]).toEqual([false, true]);
    expect((await open.call(operator, 'DELETE', `${path}/team/web`)).statusCode).toBe(204);
    expect(await predicts(bob)).toBe(false);
    expect(await codeOf(open.call(operator, 'DELETE', `${path}/team/web`))).toEqual([404, 'access_not_found']);
  });

  test('rules of endpoints that one does not see, or that are not there, do not exist; others are refused', async () => {
    const operator = await open.add('op', 'operator@risk');
    const viewer = await open.add('view', 'viewer@risk');
    for (const name of ['churn', 'nothing'])
      expect(await codeOf(open.call(operator, 'PUT', `/endpoints/${name}/access/actor/op`, {}))).toEqual([
        404,
        'endpoint_not_found',
      ]);
    expect(await codeOf(open.call(viewer, 'PUT', '/endpoints/fraud/access/actor/view', {}))).toEqual([
      403,
      'not_allowed',
    ]);
    expect(await codeOf(open.call(operator, 'PUT', '/endpoints/fraud/access/actor/eva', {}))).toEqual([
      404,
      'actor_not_found',
    ]);
  });

  test('the rules of an endpoint end with it, for whoever takes its name next', async () => {
    const ana = await open.add('ana');
    await open.call(open.admin, 'PUT', '/endpoints/churn/access/actor/ana', {});
    expect((await open.callerOf(ana)).actor.granted).toEqual(['churn']);
    await open.database.inTransaction(async (tx) => await open.room.endpointEnded(tx, 'churn'));
    expect((await open.callerOf(ana)).actor.granted).toEqual([]);
  });

  test('every change of what anybody may do raises the epoch and is told', async () => {
    let told = 0;
    open.room.onChange(() => (told += 1));
    const before = await open.room.epoch();
    await open.add('ana', 'viewer@risk');
    expect(await open.room.epoch()).toBe(before + 3);
    expect(told).toBe(3);
  });

  test('gateways get the digests of live tokens, and what each sees and calls', async () => {
    const viewer = await open.add('view', 'viewer@risk');
    const limited = await create(open.admin, { resources: ['endpoint/churn'], actions: ['endpoint.predict'] });
    const { tokens } = await open.room.grants();
    const of = (token: string) => tokens.find(({ digest }) => digest === tokenDigest(token));
    expect(of(viewer)).toMatchObject({ see: { teams: ['risk'] }, predict: { teams: [], endpoints: [] } });
    expect(of(limited.token)).toMatchObject({
      see: { teams: ['default'] },
      within: { teams: [], endpoints: ['churn'] },
    });
    expect(JSON.stringify(tokens)).not.toContain(limited.token);
  });

  test('refusals are folded to one entry for each actor, action, object and minute', async () => {
    const ana = await open.add('ana', 'viewer@risk');
    for (let at = 0; at < 5; at++) await open.call(ana, 'PATCH', '/teams/risk', { description: 'x' });
    await open.call(ana, 'POST', '/teams', { name: 'mine' });
    const minute = Math.floor(open.now / 60_000) * 60_000;
    open.room.takeReport({
      denials: [{ actor: 'gone', token: 't', action: 'endpoint.predict', object: 'fraud', minute, count: 7 }],
      unknownTokens: [{ source: '203.0.113.0/24', minute, count: 3 }],
      tokensUsed: [],
    });
    await open.room.denials.flush();
    const denied = (await open.entries()).filter(({ outcome }) => outcome === 'denied');
    expect(denied.map(({ action, subject, ctx }) => [action, subject.id, ctx['count']])).toEqual([
      ['team.update', 'risk', 5],
      ['team.create', 'mine', 1],
      ['endpoint.predict', 'fraud', 7],
      ['system.unknown-token', '203.0.113.0/24', 3],
    ]);
    await open.room.denials.flush();
    expect((await open.entries()).filter(({ outcome }) => outcome === 'denied')).toHaveLength(4);
  });

  test('a flood of unknown networks is bounded and displaces nobody who is known', async () => {
    const ana = await open.add('ana');
    await open.call(ana, 'POST', '/teams', { name: 'mine' });
    const unknownTokens = Array.from({ length: 3000 }, (_, at) => ({ source: `net-${at}`, minute: 0, count: 1 }));
    open.room.takeReport({ denials: [], unknownTokens, tokensUsed: [] });
    await open.room.denials.flush();
    const denied = (await open.entries()).filter(({ outcome }) => outcome === 'denied');
    expect(denied).toHaveLength(1 + 1000 + 1);
    expect(denied[0]).toMatchObject({ action: 'team.create' });
    expect(denied.at(-1)).toMatchObject({ action: 'system.more-denials', ctx: { count: 2000 } });
  });

  test('the last use of a token is noted', async () => {
    const ana = await open.add('ana');
    await open.call(ana, 'GET', '/whoami');
    await open.room.stop();
    const [token] = (await open.get<Page<Token>>(ana, '/tokens')).items;
    expect(token?.lastUsedAt).toBe(new Date(open.now).toISOString());
  });
});
