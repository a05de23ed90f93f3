import { MusterError, dayMs } from '@muster-ml/protocol';
import { sql } from 'kysely';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { type TestDatabase, databaseKinds, openTestDatabase } from '../../test-support/database.ts';
import {
  type ReadinessRoom,
  ana,
  bob,
  cleo,
  dan,
  everyMs,
  now,
  openReadinessRoom,
  stranger,
  submitAndApprove,
} from '../../test-support/readiness-room.ts';

describe.each(databaseKinds)('readiness on %s', (kind) => {
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
    name = `fraud-${(count += 1)}`;
    await room.addEndpoint(name);
  });

  const standing = async (of = name) => (await room.readiness.readEndpoint(cleo, of, undefined)).standing;
  const events = async (of = name): Promise<string[]> =>
    (await room.readiness.listStandingEvents(cleo, of, { limit: 100 })).items.map(({ what }) => what).toReversed();
  const submit = async (version?: number) => await room.readiness.submit(bob, name, { version, note: 'please' });
  const approve = async ({ id, evidenceDigest }: { id: string; evidenceDigest: string }, by = cleo) =>
    await room.readiness.approve(by, id, { reason: 'I looked at all of it', evidenceDigest });
  const set = async (what: ReturnType<typeof sql>) =>
    await room.run(sql`update endpoint set ${what} where id = ${`e-${name}`}`);
  const setTier = async (tier: string) =>
    await room.run(sql`update use_case set risk_tier = ${tier} where id = ${`u-${name}`}`);

  describe('submitting', () => {
    test('is refused with every gap and what closes it', async () => {
      await room.recordDrill(name, 'R21', false);
      await set(sql`runbook = null`);
      await expect(submit()).rejects.toMatchObject({
        code: 'not_ready',
        details: { gaps: [{ check: 'R21', remedy: expect.any(String) as string }, { check: 'R29' }] },
      });
      expect(await standing()).toMatchObject({ state: 'none', firstAt: null });
    });

    test('waits for an approval, and says so to people', async () => {
      expect(await submit()).toMatchObject({ state: 'waiting', approvalsNeeded: 1, level: 'silver', approvals: [] });
      expect(await standing()).toMatchObject({ state: 'waiting' });
      expect(room.told).toMatchObject([{ event: 'submission.waiting', endpoint: name, team: 'risk' }]);
    });

    test('makes what waited before void', async () => {
      const first = await submit();
      const second = await submit();
      expect(await room.readiness.getSubmission(cleo, first.id)).toMatchObject({ state: 'void' });
      await expect(approve(first)).rejects.toMatchObject({ code: 'submission_ended' });
      expect(await approve(second)).toMatchObject({ state: 'approved' });
      expect(await events()).toEqual(['submitted', 'void', 'submitted', 'approved', 'granted']);
    });

    test('needs something that is served', async () => {
      await expect(submit(7)).rejects.toMatchObject({ code: 'nothing_to_submit' });
      await room.run(sql`update deployment set state = 'ended', ended_at = 1 where endpoint = ${`e-${name}`}`);
      await expect(submit()).rejects.toMatchObject({ code: 'nothing_to_submit' });
    });
  });

  describe('approving', () => {
    test('puts it into production at once, and keeps who answered for it', async () => {
      const { id } = await approve(await submit());
      expect(await standing()).toMatchObject({ state: 'in production', reasons: [] });
      const kept = await room.readiness.getSubmission(cleo, id);
      expect(kept).toMatchObject({ state: 'approved', approvals: [{ by: { id: 'cleo', name: 'CLEO' } }] });
      const entry = room.entries.find(
        ({ action, ctx }) => action === 'readiness.approve' && ctx?.['submission'] === id,
      );
      expect(entry).toMatchObject({ actor: { id: 'cleo' }, ctx: { evidenceDigest: kept.evidenceDigest } });
      expect(room.told.at(-1)).toMatchObject({ event: 'standing.granted' });
    });

    test('is nothing for who made it or asked for it', async () => {
      const submission = await submit();
      for (const author of [ana, bob])
        await expect(approve(submission, author)).rejects.toMatchObject({ code: 'not_allowed' });
      expect(await standing()).toMatchObject({ state: 'waiting' });
    });

    test('takes two different people at high risk', async () => {
      await setTier('high');
      const submission = await submit();
      expect(await approve(submission)).toMatchObject({ state: 'waiting', approvalsNeeded: 2 });
      await expect(approve(submission)).rejects.toMatchObject({ code: 'already_approved' });
      expect(await standing()).toMatchObject({ state: 'waiting' });
      expect(await approve(submission, dan)).toMatchObject({ state: 'approved' });
      expect(await standing()).toMatchObject({ state: 'in production' });
    });

    test.each<[string, () => Promise<void>]>([
      ['evidence', async () => await room.recordDrill(name, 'R22')],
      [
        'objective',
        async () =>
          await set(
            sql`objective = ${JSON.stringify({ latencyMs: 900, percentile: 95, errorPercent: 1, requestsPerSecond: 20 })}`,
          ),
      ],
      ['risk', async () => await setTier('minimal')],
      [
        'settings',
        async () =>
          await room.run(
            sql`update deployment set settings = ${JSON.stringify({ ownRunner: true })} where endpoint = ${`e-${name}`}`,
          ),
      ],
      ['version', async () => await room.goLive(name, 2)],
    ])('is refused after another %s, and the submission is void after some looks', async (_what, change) => {
      const submission = await submit();
      await change();
      await expect(approve(submission)).rejects.toMatchObject({ code: 'submission_changed' });
      await room.lookTwice();
      expect(await room.readiness.getSubmission(cleo, submission.id)).toMatchObject({ state: 'void' });
      await expect(approve(submission)).rejects.toMatchObject({ code: 'submission_ended' });
      expect(room.errors).toEqual([]);
    });

    test('is refused of what somebody else looked at', async () => {
      const { id } = await submit();
      await expect(approve({ id, evidenceDigest: 'other' })).rejects.toMatchObject({ code: 'submission_changed' });
    });

    test('keeps nothing where anything in it fails', async () => {
      const submission = await submit();
      const change = room.standings.change.bind(room.standings);
      Object.assign(room.standings, {
        change: async (...[tx, what]: Parameters<typeof change>) => {
          if (what.what === 'granted') throw new Error('no luck');
          return await change(tx, what);
        },
      });
      await expect(approve(submission)).rejects.toThrow('no luck');
      Object.assign(room.standings, { change });
      expect(await room.readiness.getSubmission(cleo, submission.id)).toMatchObject({
        state: 'waiting',
        approvals: [],
      });
      expect(await events()).toEqual(['submitted']);
    });

    test('or rejecting ends it', async () => {
      const { id, evidenceDigest } = await submit();
      const reason = 'the figures are of another month';
      expect(await room.readiness.reject(cleo, id, { reason })).toMatchObject({ state: 'rejected', why: reason });
      await expect(approve({ id, evidenceDigest })).rejects.toMatchObject({ code: 'submission_ended' });
      expect(room.told.at(-1)).toMatchObject({ event: 'submission.decided', text: reason });
    });
  });

  describe('as time goes by', () => {
    test('it lapses only after two looks, goes on answering, and is restored by itself', async () => {
      await submitAndApprove(room, name);
      await room.recordDrill(name, 'R22', false);
      await room.readiness.look();
      await room.readiness.look();
      expect(await standing()).toMatchObject({ state: 'in production' });
      room.clock.now += everyMs;
      await room.readiness.look();
      expect(await standing()).toMatchObject({ state: 'lapsed', reasons: [expect.stringContaining('R22') as string] });
      expect(room.told.at(-1)).toMatchObject({ event: 'standing.lapsed' });
      room.clock.now += 1;
      await room.recordDrill(name, 'R22');
      await room.readiness.look();
      expect(await standing()).toMatchObject({ state: 'in production', firstAt: new Date(now).toISOString() });
      expect((await events()).slice(-3)).toEqual(['granted', 'lapsed', 'restored']);
    });

    test('what is over in one look is no lapse', async () => {
      await submitAndApprove(room, name);
      await set(sql`owner = 'nobody'`);
      await room.readiness.look();
      await set(sql`owner = 'ana'`);
      await room.lookTwice();
      await set(sql`owner = 'nobody'`);
      await room.readiness.look();
      expect(await standing()).toMatchObject({ state: 'in production' });
    });

    test('what a drill works on is not judged', async () => {
      const id = `e-${name}`;
      const busy = () => new MusterError('invalid_request', 'busy');
      await submitAndApprove(room, name);
      room.readiness.hold.hold(id, busy);
      expect(() => room.readiness.hold.hold(id, busy)).toThrow('busy');
      await room.goLive(name, 2);
      await room.lookTwice();
      expect(await standing()).toMatchObject({ state: 'in production' });
      room.readiness.hold.release(id);
      await room.lookTwice();
      expect(await standing()).toMatchObject({ state: 'lapsed' });
    });

    test('people hear of an end once, fourteen days before', async () => {
      await submitAndApprove(room, name);
      const soon = () => room.told.filter(({ event, endpoint }) => event === 'standing.ends-soon' && endpoint === name);
      const end = now + 80 * dayMs;
      room.clock.now = end - 14 * dayMs - 1;
      await room.readiness.look();
      expect(soon()).toEqual([]);
      room.clock.now += 1;
      await room.readiness.look();
      await room.readiness.look();
      expect(soon()).toHaveLength(1);
      expect(soon()[0]?.title).toContain(new Date(end).toISOString());
    });

    test('one that is deleted does no harm', async () => {
      const { id } = await submit();
      await set(sql`deleted_at = 1`);
      await room.lookTwice();
      await expect(standing()).rejects.toMatchObject({ code: 'endpoint_not_found' });
      await expect(approve({ id, evidenceDigest: '' })).rejects.toMatchObject({ code: 'submission_not_found' });
      expect(room.errors).toEqual([]);
    });
  });

  describe('the next version', () => {
    test('is approved as canary, and stands once it is promoted, without a lapse', async () => {
      await submitAndApprove(room, name);
      await room.addCandidate(name, 2);
      room.clock.now += 1000;
      const submission = await submitAndApprove(room, name, [cleo], 2);
      expect(await room.readiness.getSubmission(cleo, submission)).toMatchObject({ version: 2, state: 'approved' });
      await room.lookTwice();
      await room.promote(name);
      await room.lookTwice();
      expect(await standing()).toMatchObject({ state: 'in production' });
      expect(await events()).not.toContain('lapsed');
      expect((await room.standings.of([`e-${name}`])).get(`e-${name}`)).toMatchObject({ submission, version: 2 });
    });

    test('needs to have been compared with the one before', async () => {
      await submitAndApprove(room, name);
      await room.addCandidate(name, 2, 'canary', 0);
      await expect(submit(2)).rejects.toMatchObject({ code: 'not_ready', details: { gaps: [{ check: 'R23' }] } });
    });

    test('that nobody approved lapses, and the one before stands again after a rollback', async () => {
      const submission = await submitAndApprove(room, name);
      await room.goLive(name, 2);
      await room.lookTwice();
      expect(await standing()).toMatchObject({ state: 'lapsed' });
      room.clock.now += 1000;
      await room.goLive(name, 1);
      await room.lookTwice();
      expect(await standing()).toMatchObject({ state: 'in production' });
      expect((await room.standings.of([`e-${name}`])).get(`e-${name}`)).toMatchObject({ submission, version: 1 });
    });
  });

  test('other teams see nothing of it', async () => {
    const { id, evidenceDigest } = await submit();
    const { readiness } = room;
    for (const ask of [
      async () => await readiness.getSubmission(stranger, id),
      async () => await readiness.approve(stranger, id, { reason: 'because I may', evidenceDigest }),
      async () => await readiness.reject(stranger, id, { reason: 'because I may' }),
    ])
      await expect(ask()).rejects.toMatchObject({
        code: 'submission_not_found',
        message: `there is no submission ${id}`,
      });
    for (const ask of [
      async () => await readiness.readEndpoint(stranger, name, undefined),
      async () => await readiness.submit(stranger, name, { note: '' }),
      async () => await readiness.listStandingEvents(stranger, name, { limit: 10 }),
    ])
      await expect(ask()).rejects.toMatchObject({ code: 'endpoint_not_found' });
    expect(await readiness.listSubmissions(stranger, { limit: 10 })).toEqual({ items: [] });
  });

  test('submissions are listed page by page, newest first', async () => {
    const first = await submit();
    const second = await submit();
    const query = { endpoint: name, limit: 1 };
    const page = await room.readiness.listSubmissions(cleo, query);
    expect(page).toMatchObject({ items: [{ id: second.id }], next: second.id });
    const rest = await room.readiness.listSubmissions(cleo, { ...query, after: second.id });
    expect(rest.items.map(({ id }) => id)).toEqual([first.id]);
    expect(rest.next).toBeUndefined();
    const waiting = await room.readiness.listSubmissions(cleo, { endpoint: name, state: 'waiting', limit: 9 });
    expect(waiting.items.map(({ id }) => id)).toEqual([second.id]);
  });
});

describe.each(databaseKinds)('elsewhere than in prod, on %s', (kind) => {
  test('the hand-over contract is enough, and nobody is asked', async () => {
    const opened = await openTestDatabase(kind);
    const room = await openReadinessRoom(opened.database, 'dev');
    await room.addEndpoint('fraud', { evidence: [] });
    const submission = await room.readiness.submit(bob, 'fraud', { note: '' });
    expect(submission).toMatchObject({ state: 'approved', level: 'bronze', approvalsNeeded: 0 });
    const { standing } = await room.readiness.readEndpoint(cleo, 'fraud', undefined);
    expect(standing).toMatchObject({ state: 'in production' });
    await opened.close();
  });
});
