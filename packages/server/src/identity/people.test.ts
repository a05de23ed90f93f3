import type { ActorDetail, Explanation, Member, Page, Team } from '@muster-ml/protocol';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { databaseKinds } from '../../test-support/database.ts';
import { type OpenIdentityRoom, openIdentityRoom } from '../../test-support/identity-room.ts';
import { codeOf } from '../../test-support/test-api.ts';

describe.each(databaseKinds)('people, teams and roles on %s', (kind) => {
  let open: OpenIdentityRoom;
  beforeEach(async () => {
    open = await openIdentityRoom(kind);
    await open.call(open.admin, 'POST', '/teams', { name: 'risk' });
  });
  afterEach(async () => {
    await open.close();
  });

  test('the first start makes an admin who holds every role in the team default', async () => {
    expect(await open.get(open.admin, '/whoami')).toMatchObject({
      name: 'root',
      platformRoles: ['auditor', 'admin'],
      teams: { default: ['viewer', 'data-scientist', 'operator', 'approver', 'data-owner', 'auditor', 'admin'] },
    });
    expect(await open.room.ensureAdmin({ name: 'root', renew: false })).toBeUndefined();
  });

  test('an actor is added, shown by id and by name in any case, renamed, and its name is nobody else’s', async () => {
    const made = (await open.call(open.admin, 'POST', '/actors', { name: 'Ana' })).json<ActorDetail>();
    expect(made).toMatchObject({ name: 'Ana', kind: 'person', disabled: false, teams: {}, platformRoles: [] });
    expect(await open.get(open.admin, '/actors/ANA')).toEqual(made);
    expect(await open.get(open.admin, `/actors/${made.id}`)).toEqual(made);
    expect(await codeOf(open.call(open.admin, 'POST', '/actors', { name: 'aNA' }))).toEqual([409, 'actor_exists']);
    const renamed = await open.call(open.admin, 'PATCH', '/actors/ana', { name: 'Anna' });
    expect(renamed.json()).toMatchObject({ id: made.id, name: 'Anna' });
    expect(await codeOf(open.call(open.admin, 'GET', '/actors/ana'))).toEqual([404, 'actor_not_found']);
  });

  test('a service account belongs to a team, a person to none', async () => {
    const without = open.call(open.admin, 'POST', '/actors', { name: 'ci', kind: 'service' });
    expect(await codeOf(without)).toEqual([400, 'invalid_request']);
    const elsewhere = open.call(open.admin, 'POST', '/actors', { name: 'ci', kind: 'service', team: 'nowhere' });
    expect(await codeOf(elsewhere)).toEqual([404, 'team_not_found']);
    const person = open.call(open.admin, 'POST', '/actors', { name: 'ana', team: 'risk' });
    expect(await codeOf(person)).toEqual([400, 'invalid_request']);
    const made = await open.call(open.admin, 'POST', '/actors', { name: 'ci', kind: 'service', team: 'risk' });
    expect(made.json()).toMatchObject({ kind: 'service', team: 'risk' });
  });

  test('an admin of a team runs its service accounts, and sees no other actor', async () => {
    const lead = await open.add('lead', 'admin@risk');
    await open.add('ana');
    const made = await open.call(lead, 'POST', '/actors', { name: 'ci', kind: 'service', team: 'risk' });
    expect(made.statusCode).toBe(201);
    expect((await open.call(lead, 'POST', '/tokens', { actor: 'ci' })).statusCode).toBe(201);
    expect(await codeOf(open.call(lead, 'POST', '/actors', { name: 'bo' }))).toEqual([403, 'not_allowed']);
    const others = open.call(lead, 'POST', '/actors', { name: 'x', kind: 'service', team: 'default' });
    expect(await codeOf(others)).toEqual([404, 'team_not_found']);
    const names = (await open.get<Page<ActorDetail>>(lead, '/actors')).items.map(({ name }) => name);
    expect(names).toEqual(['ci', 'lead']);
    const hidden = await open.call(lead, 'GET', '/actors/ana');
    const absent = await open.call(lead, 'GET', '/actors/eva');
    expect(hidden.json<{ detail: string }>().detail.replace('ana', 'eva')).toBe(
      absent.json<{ detail: string }>().detail,
    );
    expect(hidden.statusCode).toBe(404);
    expect(await codeOf(open.call(lead, 'POST', '/tokens', { actor: 'ana' }))).toEqual([404, 'actor_not_found']);
  });

  test('roles are given and taken by whoever is admin there, never to oneself, and hold at once', async () => {
    const lead = await open.add('lead', 'admin@risk');
    const ana = await open.add('ana');
    expect(await codeOf(open.call(ana, 'GET', '/teams/risk'))).toEqual([404, 'team_not_found']);
    const given = await open.call(lead, 'PUT', '/teams/risk/members/ana/roles/viewer');
    expect(given.json()).toMatchObject({ name: 'ana', roles: [{ role: 'viewer', sources: ['local'] }] });
    expect(await open.get<Team>(ana, '/teams/risk')).toMatchObject({ name: 'risk', members: 2 });
    expect(await codeOf(open.call(ana, 'PUT', '/teams/risk/members/ana/roles/operator'))).toEqual([403, 'not_allowed']);
    expect(await codeOf(open.call(lead, 'PUT', '/teams/risk/members/lead/roles/operator'))).toEqual([
      403,
      'not_allowed',
    ]);
    expect(await codeOf(open.call(lead, 'PUT', '/teams/risk/members/eva/roles/viewer'))).toEqual([
      404,
      'actor_not_found',
    ]);
    expect(await codeOf(open.call(lead, 'PUT', '/teams/default/members/ana/roles/viewer'))).toEqual([
      404,
      'team_not_found',
    ]);
    const members = await open.get<Page<Member>>(ana, '/teams/risk/members');
    expect(members.items.map(({ name, roles }) => [name, roles.map(({ role }) => role)])).toEqual([
      ['ana', ['viewer']],
      ['lead', ['admin']],
    ]);
    expect((await open.call(lead, 'DELETE', '/teams/risk/members/ana/roles/viewer')).json()).toMatchObject({
      roles: [],
    });
    expect(await codeOf(open.call(ana, 'GET', '/teams/risk'))).toEqual([404, 'team_not_found']);
    expect(await codeOf(open.call(lead, 'DELETE', '/teams/risk/members/ana/roles/viewer'))).toEqual([
      404,
      'role_not_held',
    ]);
  });

  test('a role that a directory gives stays when the one given by hand is taken back', async () => {
    const ana = await open.add('ana', 'viewer@risk');
    const { id } = await open.get<{ id: string }>(ana, '/whoami');
    await open.database.inTransaction(async (tx) => {
      await tx
        .withTables<{ membership: Record<string, unknown> }>()
        .insertInto('membership')
        .values({ actor: id, team: 'risk', role: 'viewer', source: 'directory', created_at: 1 })
        .execute();
    });
    const left = await open.call(open.admin, 'DELETE', '/teams/risk/members/ana/roles/viewer');
    expect(left.json()).toMatchObject({ roles: [{ role: 'viewer', sources: ['directory'] }] });
    expect((await open.call(ana, 'GET', '/teams/risk')).statusCode).toBe(200);
  });

  test('the only admin may give themselves what is missing; with two, each gives it to the other', async () => {
    expect((await open.call(open.admin, 'PUT', '/teams/risk/members/root/roles/operator')).statusCode).toBe(200);
    const second = await open.add('second', 'admin');
    expect(await codeOf(open.call(open.admin, 'PUT', '/teams/risk/members/root/roles/viewer'))).toEqual([
      403,
      'not_allowed',
    ]);
    expect((await open.call(second, 'PUT', '/teams/risk/members/root/roles/viewer')).statusCode).toBe(200);
  });

  test('the last admin stays, also when two take the role from each other at the same time', async () => {
    expect(await codeOf(open.call(open.admin, 'DELETE', '/actors/root/platform-roles/admin'))).toEqual([
      412,
      'last_admin',
    ]);
    expect(await codeOf(open.call(open.admin, 'PATCH', '/actors/root', { disabled: true }))).toEqual([
      412,
      'last_admin',
    ]);
    const second = await open.add('second', 'admin');
    const both = await Promise.all([
      open.call(open.admin, 'DELETE', '/actors/second/platform-roles/admin'),
      open.call(second, 'DELETE', '/actors/root/platform-roles/admin'),
    ]);
    const statuses = both.map((answer) => answer.statusCode).toSorted((a, b) => a - b);
    expect(statuses[0]).toBe(200);
    expect([403, 412]).toContain(statuses[1]);
  });

  test('teams that one does not belong to do not exist, in lists too', async () => {
    const ana = await open.add('ana', 'viewer@risk');
    await open.call(open.admin, 'POST', '/teams', { name: 'sales' });
    expect((await open.get<Page<Team>>(ana, '/teams')).items.map(({ name }) => name)).toEqual(['risk']);
    expect((await open.get<Page<Team>>(open.admin, '/teams')).items.map(({ name }) => name)).toEqual([
      'default',
      'risk',
      'sales',
    ]);
    expect(await codeOf(open.call(ana, 'POST', '/teams', { name: 'mine' }))).toEqual([403, 'not_allowed']);
    expect(await codeOf(open.call(open.admin, 'POST', '/teams', { name: 'risk' }))).toEqual([409, 'team_exists']);
    expect((await open.call(open.admin, 'PATCH', '/teams/risk', { description: 'scores' })).json()).toMatchObject({
      description: 'scores',
    });
    expect(await codeOf(open.call(ana, 'PATCH', '/teams/risk', { description: 'x' }))).toEqual([403, 'not_allowed']);
  });

  test('lists page, each item once', async () => {
    for (const name of ['a1', 'B2', 'c3', 'D4', 'e5']) await open.add(name, 'viewer@risk');
    for (const path of ['/actors', '/teams/risk/members']) {
      const seen: string[] = [];
      let after = '';
      do {
        const page = await open.get<Page<{ name: string }>>(open.admin, `${path}?limit=2${after}`);
        seen.push(...page.items.map(({ name }) => name));
        after = page.next === undefined ? '' : `&after=${encodeURIComponent(page.next)}`;
      } while (after !== '');
      expect(seen.filter((name) => name !== 'root')).toEqual(['a1', 'B2', 'c3', 'D4', 'e5']);
    }
  });

  test('each change is an entry of who did it, and a change that changes nothing is none', async () => {
    await open.add('ana', 'viewer@risk');
    const before = (await open.entries()).length;
    await open.call(open.admin, 'PUT', '/teams/risk/members/ana/roles/viewer');
    await open.call(open.admin, 'PATCH', '/actors/ana', { name: 'ana' });
    expect(await open.entries()).toHaveLength(before);
    const { id } = await open.get<{ id: string }>(open.admin, '/actors/ana');
    expect(await open.entries()).toEqual(
      expect.arrayContaining([
        expect.objectContaining({ action: 'team.create', outcome: 'allowed' }),
        expect.objectContaining({ action: 'actor.create', subject: { kind: 'actor', id } }),
        expect.objectContaining({ action: 'role.set', ctx: { role: 'viewer', given: true, source: 'local' } }),
        expect.objectContaining({ action: 'token.create' }),
      ]),
    );
    expect(JSON.stringify(await open.entries())).not.toContain('ana"');
  });

  test('explains which rule decides, to whom it concerns', async () => {
    open.endpoints.set('fraud', 'risk');
    const ana = await open.add('ana', 'viewer@risk');
    const ask = async (token: string, actor: string, action: string, resource: string) =>
      await open.call(token, 'GET', `/access/explain?actor=${actor}&action=${action}&resource=${resource}`);
    const refused = (await ask(open.admin, 'ana', 'endpoint.predict', 'endpoint/fraud')).json<Explanation>();
    expect(refused).toMatchObject({ allow: false, visible: true });
    expect(refused.reasons).toEqual(['nothing that the actor holds here has endpoint.predict']);
    expect((await ask(ana, 'ana', 'endpoint.read', 'endpoint/fraud')).json()).toMatchObject({
      allow: true,
      reasons: ['the role viewer in risk holds endpoint.read'],
    });
    // About oneself, what is hidden looks like what is not there.
    open.endpoints.set('secret', 'default');
    const hidden = (await ask(ana, 'ana', 'endpoint.read', 'endpoint/secret')).json<Explanation>();
    const absent = (await ask(ana, 'ana', 'endpoint.read', 'endpoint/nothere')).json<Explanation>();
    expect(JSON.parse(JSON.stringify(hidden).replaceAll('secret', 'nothere'))).toEqual(absent);
    expect(await codeOf(ask(ana, 'root', 'endpoint.read', 'endpoint/fraud'))).toEqual([403, 'not_allowed']);
    expect(await codeOf(ask(open.admin, 'eva', 'endpoint.read', 'endpoint/fraud'))).toEqual([404, 'actor_not_found']);
    expect(await codeOf(ask(open.admin, 'ana', 'endpoint.read', 'score/1'))).toEqual([400, 'invalid_request']);
  });
});
