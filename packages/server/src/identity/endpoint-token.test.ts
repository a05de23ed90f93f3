import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { databaseKinds } from '../../test-support/database.ts';
import { type OpenIdentityRoom, openIdentityRoom } from '../../test-support/identity-room.ts';
import { codeOf } from '../../test-support/test-api.ts';
import { endEndpointToken, makeEndpointToken } from './endpoint-token.ts';
import { tokenDigest } from './token.ts';

describe.each(databaseKinds)('a token for one endpoint on %s', (kind) => {
  let open: OpenIdentityRoom;
  beforeEach(async () => {
    open = await openIdentityRoom(kind);
    await open.call(open.admin, 'POST', '/teams', { name: 'risk' });
  });
  afterEach(async () => {
    await open.close();
  });
  const wish = { endpoint: { name: 'fraud', team: 'risk' }, note: 'drill 1', lifeMs: 60_000 };

  test('calls that endpoint and does nothing else, until it is ended or its time is over', async () => {
    const caller = await open.callerOf(await open.add('ana', 'operator@risk'));
    const made = await makeEndpointToken(open.room, caller, wish);
    const { tokens } = await open.room.grants();
    const grant = tokens.find(({ digest }) => digest === tokenDigest(made.token));
    expect(grant).toMatchObject({ actor: caller.actor.id, expiresAt: open.now + 60_000 });
    expect(grant?.within).toMatchObject({ endpoints: ['fraud'] });
    expect(await codeOf(open.call(made.token, 'GET', '/tokens'))).toEqual([403, 'not_allowed']);
    await endEndpointToken(open.room, caller, made.id, 'risk');
    expect(await codeOf(open.call(made.token, 'GET', '/whoami'))).toEqual([401, 'token_invalid']);

    const other = await makeEndpointToken(open.room, caller, wish);
    open.now += 60_000;
    expect(await codeOf(open.call(other.token, 'GET', '/whoami'))).toEqual([401, 'token_expired']);
  });

  test('its making and its end are entries of the ledger, once each, without the token', async () => {
    const caller = await open.callerOf(await open.add('ana', 'operator@risk'));
    const made = await makeEndpointToken(open.room, caller, wish);
    for (let times = 0; times < 2; times++) await endEndpointToken(open.room, caller, made.id, 'risk');
    const about = (await open.entries()).filter(({ subject }) => subject.id === made.id);
    expect(about.map(({ action }) => action)).toEqual(['token.create', 'token.revoke']);
    expect(JSON.stringify(about)).not.toContain(made.token.slice(5));
  });

  test('is not made for who may not call the endpoint', async () => {
    const caller = await open.callerOf(await open.add('eve', 'viewer@risk'));
    const before = (await open.entries()).length;
    await expect(
      makeEndpointToken(open.room, caller, { ...wish, endpoint: { name: 'churn', team: 'default' } }),
    ).rejects.toMatchObject({ code: 'not_allowed' });
    expect(await open.entries()).toHaveLength(before);
  });
});
