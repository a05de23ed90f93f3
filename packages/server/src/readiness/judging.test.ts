import { sql } from 'kysely';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { type TestDatabase, databaseKinds, openTestDatabase } from '../../test-support/database.ts';
import { eventually } from '../../test-support/eventually.ts';
import { callerWith } from '../../test-support/identity.ts';
import {
  type ReadinessRoom,
  ana,
  bob,
  cleo,
  now,
  openReadinessRoom,
  submitAndApprove,
} from '../../test-support/readiness-room.ts';
import { submissionStore } from './submission-store.ts';
import { makeVoid } from './submit.ts';

const dayMs = 86_400_000;

describe.each(databaseKinds)('standings are judged, on %s', (kind) => {
  let opened: TestDatabase;
  let room: ReadinessRoom;
  let count = 0;
  /** An endpoint of its own for each test. */
  let name = '';
  beforeAll(async () => {
    opened = await openTestDatabase(kind);
    room = await openReadinessRoom(opened.database);
  });
  afterAll(async () => await opened.close());
  beforeEach(async () => {
    room.clock.now = now;
    room.told.length = 0;
    name = `e${++count}`;
    await room.addEndpoint(name);
  });

  const id = () => `e-${name}`;
  const stateOf = async (endpoint = id()) => (await room.standings.of([endpoint])).get(endpoint)?.state;
  const read = async () => await room.readiness.readEndpoint(cleo, name, undefined);
  const events = async () =>
    (await room.readiness.listStandingEvents(cleo, name, { limit: 100 })).items.map(({ what }) => what).toReversed();
  const breakCheck = async (of = name) => await room.run(sql`update endpoint set runbook = null where name = ${of}`);
  const mendCheck = async () =>
    await room.run(sql`update endpoint set runbook = 'https://wiki.example.org/runbook' where name = ${name}`);
  const told = () => room.told.flatMap(({ event, endpoint }) => (endpoint === name ? [event] : []));

  test('an approval grants, and never takes away, whatever is live while it is given', async () => {
    await submitAndApprove(room, name);
    await room.addCandidate(name, 2);
    const next = await room.readiness.submit(bob, name, { version: 2, note: '' });
    await room.run(sql`update deployment set settings = '{"replicas":2}' where endpoint = ${id()} and role = 'live'`);
    await room.readiness.approve(cleo, next.id, { reason: 'It does better.', evidenceDigest: next.evidenceDigest });
    expect(await stateOf()).toBe('in production');
    await room.lookTwice();
    expect(await stateOf()).toBe('lapsed');
  });

  test.each([
    ['risk tier', sql`update use_case set risk_tier = 'high' where name = `, (of: string) => `why-${of}`],
    ['objective', sql`update endpoint set objective = null where name = `, (of: string) => of],
  ])('another %s takes the standing away: it was not approved', async (_what, statement, nameOf) => {
    await submitAndApprove(room, name);
    expect((await read()).submission).not.toBeNull();
    await room.run(sql`${statement}${nameOf(name)}`);
    await room.lookTwice();
    expect(await stateOf()).toBe('lapsed');
    expect((await read()).submission).toBeNull();
  });

  test('a replica that loads again takes nothing away, one that cannot does, also while others answer', async () => {
    await submitAndApprove(room, name);
    const ofName = sql`deployment in (select id from deployment where endpoint = ${id()})`;
    await room.run(
      sql`update deployment set state = 'unready' where endpoint = ${id()}`,
      sql`update replica set ready_at = null where ${ofName}`,
    );
    await room.lookTwice();
    expect(await stateOf()).toBe('in production');
    await room.run(sql`update deployment set state = 'ready', attempts = 1 where endpoint = ${id()}`);
    await room.lookTwice();
    expect(await stateOf()).toBe('lapsed');
    expect((await read()).standing.reasons.join()).toContain('R07');
  });

  test('a waiver counts until its date, and not longer', async () => {
    await submitAndApprove(room, name);
    const until = now + 5 * dayMs;
    const wish = { check: 'R29', reason: 'The pages move until June.', until: new Date(until).toISOString() };
    const { evidence } = room.readiness;
    const waiver = await evidence.requestWaiver(ana, name, wish);
    await evidence.decideWaiver(cleo, name, waiver.id, { step: 'approved', reason: 'They really do.' });
    await breakCheck();
    await room.lookTwice();
    expect(await stateOf()).toBe('in production');
    room.clock.now = until;
    await room.lookTwice();
    expect(await stateOf()).toBe('lapsed');
  });

  test('other evidence makes what waits void, once it is seen twice', async () => {
    const { id: submission } = await room.readiness.submit(bob, name, { note: '' });
    const state = async () => (await room.readiness.getSubmission(cleo, submission)).state;
    await breakCheck();
    await room.readiness.look();
    expect(await state()).toBe('waiting');
    await mendCheck();
    await room.lookTwice();
    expect(await state()).toBe('waiting');
    await breakCheck();
    await room.lookTwice();
    expect(await state()).toBe('void');
    expect(await events()).toEqual(['submitted', 'void']);
  });

  test('what was decided in the meantime is not void', async () => {
    const submission = await submitAndApprove(room, name);
    const row = await submissionStore.find(opened.database.reader, submission);
    if (row === undefined) throw new Error('there is no submission');
    const before = await events();
    await opened.database.inTransaction(async (tx) => await makeVoid(room, tx, row, 'it changed', now));
    expect((await room.readiness.getSubmission(cleo, submission)).state).toBe('approved');
    expect(await events()).toEqual(before);
  });

  test('what cannot be changed of one endpoint keeps nobody from judging the others', async () => {
    const other = `${name}-other`;
    await room.addEndpoint(other);
    for (const one of [name, other]) {
      await submitAndApprove(room, one);
      await breakCheck(one);
    }
    const push = room.told.push.bind(room.told);
    room.told.push = (...notices) => {
      if (notices.some(({ endpoint }) => endpoint === name)) throw new Error('nobody can be told');
      return push(...notices);
    };
    await room.lookTwice();
    expect([await stateOf(), await stateOf(`e-${other}`)]).toEqual(['in production', 'lapsed']);
    expect(room.errors.splice(0)).toHaveLength(1);
    room.told.push = push;
    await room.lookTwice();
    expect(await stateOf()).toBe('lapsed');
  });

  test('a service account approves nothing', async () => {
    const robot = callerWith({ id: 'cleo', kind: 'service', teams: { risk: ['approver'] } });
    const { id: submission, evidenceDigest } = await room.readiness.submit(bob, name, { note: '' });
    const approval = room.readiness.approve(robot, submission, { reason: 'All figures are green.', evidenceDigest });
    await expect(approval).rejects.toMatchObject({ code: 'not_allowed' });
  });

  test('says of what nobody submitted that nobody did', async () => {
    expect((await read()).standing.reasons.join()).toContain('nobody was asked to review it');
    expect(told()).toEqual([]);
  });
});

test('it is judged soon after evidence came, not only at the next turn', async () => {
  const opened = await openTestDatabase('sqlite');
  const room = await openReadinessRoom(opened.database);
  await room.addEndpoint('fraud');
  const state = async () => (await room.standings.of(['e-fraud'])).get('e-fraud')?.state;
  await submitAndApprove(room, 'fraud');
  await room.recordDrill('fraud', 'R20', false);
  await room.lookTwice();
  expect(await state()).toBe('lapsed');
  room.readiness.start();
  await room.recordDrill('fraud', 'R20');
  await eventually(async () => (await state()) === 'in production', 5000);
  await room.readiness.stop();
  await opened.close();
});
