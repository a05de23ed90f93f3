import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { databaseKinds } from '../../test-support/database.ts';
import { type OpenIdentityRoom, dayMs, openIdentityRoom } from '../../test-support/identity-room.ts';
import { reaches } from '../../test-support/reaches.ts';
import { codeOf } from '../../test-support/test-api.ts';
import { tokenDigest } from './token.ts';

const fraud = { name: 'fraud', team: 'risk' };
const path = '/endpoints/fraud/access';

describe.each(databaseKinds)('who may call what was not in production yet, or fell from there, on %s', (kind) => {
  let open: OpenIdentityRoom;
  beforeEach(async () => {
    open = await openIdentityRoom(kind, { environment: 'prod' });
    for (const name of ['risk', 'web']) await open.call(open.admin, 'POST', '/teams', { name });
    open.endpoints.set('fraud', 'risk').set('churn', 'risk');
  });
  afterEach(async () => {
    await open.close();
  });

  const grantOf = async (token: string) =>
    (await open.room.grants()).tokens.find(({ digest }) => digest === tokenDigest(token));
  const predicts = async (token: string): Promise<boolean> => {
    const grant = await grantOf(token);
    return grant !== undefined && reaches(grant.predict, fraud);
  };
  const sees = async (token: string): Promise<boolean> => {
    const grant = await grantOf(token);
    return grant !== undefined && reaches(grant.see, fraud);
  };

  test('access rules let only members of its team call an endpoint that is held back, and all others once it is not', async () => {
    const operator = await open.add('op', 'operator@risk');
    const stranger = await open.add('ana');
    const member = await open.add('eve', 'viewer@risk');
    const web = await open.add('bob', 'viewer@web');
    for (const subject of ['actor/ana', 'actor/eve', 'team/web'])
      await open.call(operator, 'PUT', `${path}/${subject}`, {});
    const may = async () => [
      await predicts(operator),
      await predicts(member),
      await predicts(stranger),
      await predicts(web),
    ];
    expect(await may()).toEqual([true, true, true, true]);
    open.heldBack.set('fraud', 'risk');
    expect(await may()).toEqual([true, true, false, false]);
    open.heldBack.delete('fraud');
    expect(await may()).toEqual([true, true, true, true]);
  });

  test('who may not call it yet still sees it, also with a token that may only call', async () => {
    const operator = await open.add('op', 'operator@risk');
    const stranger = await open.add('ana');
    await open.call(operator, 'PUT', `${path}/actor/ana`, {});
    await open.call(operator, 'PUT', '/endpoints/churn/access/actor/ana', {});
    const made = await open.call(stranger, 'POST', '/tokens', { actions: ['endpoint.predict'] });
    const { token } = made.json<{ token: string }>();
    open.heldBack.set('fraud', 'risk');
    for (const one of [stranger, token]) {
      expect([await sees(one), await predicts(one)]).toEqual([true, false]);
      expect((await grantOf(one))?.predict.endpoints).toEqual(['churn']);
    }
  });

  test('explains that the rule does not count yet, and to whom it does', async () => {
    const operator = await open.add('op', 'operator@risk');
    await open.add('ana');
    await open.add('eve', 'viewer@risk');
    for (const name of ['ana', 'eve']) await open.call(operator, 'PUT', `${path}/actor/${name}`, {});
    open.heldBack.set('fraud', 'risk');
    const explain = async (actor: string, action = 'endpoint.predict') =>
      await open.get<{ allow: boolean; visible: boolean; reasons: string[] }>(
        open.admin,
        `/access/explain?actor=${actor}&action=${action}&resource=endpoint/fraud`,
      );
    const ana = await explain('ana');
    expect([ana.allow, ana.visible, ana.reasons[0]]).toEqual([
      false,
      true,
      'fraud was never in production: until then its access rules let only members of risk call it',
    ]);
    expect([(await explain('eve')).allow, (await explain('op')).allow]).toEqual([true, true]);
    expect((await explain('ana', 'endpoint.read')).allow).toBe(true);
  });

  test('one that takes no new callers refuses rules that let more, and takes those that let less', async () => {
    const operator = await open.add('op', 'operator@risk');
    for (const name of ['ana', 'eve', 'bob']) await open.add(name);
    const set = async (name: string, body: object): Promise<number> =>
      (await open.call(operator, 'PUT', `${path}/actor/${name}`, body)).statusCode;
    const rule = { ratePerSecond: 5, requestsPerDay: 1000, expiresInDays: 10 };
    expect(await set('ana', rule)).toBe(200);
    expect(await set('bob', { expiresInDays: 1 })).toBe(200);
    open.takesNoCallers.add('fraud');
    expect(await codeOf(open.call(operator, 'PUT', `${path}/actor/eve`, {}))).toEqual([412, 'standing_lapsed']);
    for (const wider of [
      { ...rule, ratePerSecond: 6 },
      { ...rule, ratePerSecond: null },
      { ...rule, requestsPerDay: 1001 },
      { ...rule, requestsPerDay: null },
      { ...rule, expiresInDays: 11 },
      { ...rule, expiresInDays: null },
    ])
      expect(await codeOf(open.call(operator, 'PUT', `${path}/actor/ana`, wider))).toEqual([412, 'standing_lapsed']);
    expect(await set('ana', rule)).toBe(200);
    expect(await set('ana', { ratePerSecond: 1, requestsPerDay: 10, expiresInDays: 5 })).toBe(200);
    expect((await open.call(operator, 'DELETE', `${path}/actor/ana`)).statusCode).toBe(204);
    open.now += 2 * dayMs;
    // It has expired: to set it again would be a new caller.
    expect(await codeOf(open.call(operator, 'PUT', `${path}/actor/bob`, { expiresInDays: 1 }))).toEqual([
      412,
      'standing_lapsed',
    ]);
    const refused = (await open.entries()).filter(({ action }) => action === 'access.set');
    expect(refused).toHaveLength(5);
  });

  test('an owner is found by name or id, and one that is disabled is not', async () => {
    await open.add('ana');
    const id = await open.room.ownerId('ANA');
    expect(await open.room.ownerId(id)).toBe(id);
    await open.call(open.admin, 'PATCH', '/actors/ana', { disabled: true });
    for (const reference of ['ana', id, 'nobody'])
      await expect(open.room.ownerId(reference, 'body.owner')).rejects.toMatchObject({
        code: 'actor_not_found',
        place: 'body.owner',
      });
    expect(await open.room.actorId('ana')).toBe(id);
  });
});
