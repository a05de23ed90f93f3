import { sql } from 'kysely';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { type TestDatabase, databaseKinds, openTestDatabase } from '../../test-support/database.ts';
import { type ReadinessRoom, now, openReadinessRoom, submitAndApprove } from '../../test-support/readiness-room.ts';
import { modelOf } from '../../test-support/planned-endpoint.ts';
import type { StandingChange } from './contract.ts';
import { createStandings } from './standings.ts';

describe.each(databaseKinds)('standings on %s', (kind) => {
  let opened: TestDatabase;
  let room: ReadinessRoom;
  let count = 0;
  let name = '';
  let id = '';
  beforeAll(async () => {
    opened = await openTestDatabase(kind);
    room = await openReadinessRoom(opened.database);
  });
  afterAll(async () => await opened.close());
  beforeEach(async () => {
    room.clock.now = now;
    room.told.length = 0;
    room.entries.length = 0;
    name = `fraud-${(count += 1)}`;
    id = await room.addEndpoint(name);
  });

  const change = async (what: StandingChange['what'], at: number, state?: 'waiting' | 'in production' | 'lapsed') =>
    await opened.database.inTransaction(
      async (tx) =>
        await room.standings.change(tx, {
          endpoint: { id, name, team: 'risk' },
          what,
          reasons: ['a reason'],
          model: 'm',
          version: 1,
          actor: { kind: 'system', id: 'readiness' },
          action: 'system.standing.lapsed',
          request: 'r1',
          at,
          ctx: { submission: 's1' },
          ...(state === undefined
            ? {}
            : { becomes: { state, since: at, reasons: ['a reason'], submission: 's1', model: 'm', version: 1 } }),
        }),
    );
  const record = async () => (await room.standings.of([id])).get(id);

  test('a change is a record, an event, an audit entry, news for gateways and for people', async () => {
    const { count: before } = room.epochs;
    const entry = await change('lapsed', 5, 'lapsed');
    expect(await record()).toEqual({
      endpointId: id,
      state: 'lapsed',
      since: 5,
      firstAt: null,
      reasons: ['a reason'],
      submission: 's1',
      model: 'm',
      version: 1,
    });
    expect(room.epochs.count).toBe(before + 1);
    expect(room.entries).toMatchObject([
      { subject: { kind: 'endpoint', id: name }, team: 'risk', ctx: { endpoint: id, submission: 's1', version: 1 } },
    ]);
    expect(room.told).toMatchObject([{ event: 'standing.lapsed', endpoint: name }]);
    const events = await sql<{ what: string; entry: number; actor: string | null }>`
      select what, entry, actor from standing_event where endpoint = ${id}`.execute(opened.database.reader);
    expect(events.rows).toEqual([{ what: 'lapsed', entry, actor: null }]);
  });

  test('when it first was in production is kept for good', async () => {
    await change('submitted', 1, 'waiting');
    expect(await record()).toMatchObject({ firstAt: null });
    await change('granted', 2, 'in production');
    await change('lapsed', 3, 'lapsed');
    await change('restored', 4, 'in production');
    expect(await record()).toMatchObject({ state: 'in production', since: 4, firstAt: 2 });
    await change('rejected', 5);
    expect(await record()).toMatchObject({ state: 'in production', since: 4 });
  });

  test('nothing is kept of a change that is rolled back', async () => {
    const failed = opened.database.inTransaction(async (tx) => {
      await room.standings.change(tx, {
        endpoint: { id, name, team: 'risk' },
        what: 'granted',
        becomes: { state: 'in production', since: 1, reasons: [], submission: null, model: null, version: null },
        reasons: [],
        model: null,
        version: null,
        actor: { kind: 'system', id: 'readiness' },
        action: 'system.standing.granted',
        request: 'r1',
        at: 1,
        ctx: {},
      });
      throw new Error('no luck');
    });
    await expect(failed).rejects.toThrow('no luck');
    expect(await record()).toBeUndefined();
  });

  describe('what becomes live', () => {
    const wish = async (version: number, servedDigest: string, of = room) =>
      await opened.database.inTransaction(
        async (tx) =>
          await of.standings.refuseLive(tx, { endpoint: { id, name }, model: modelOf(name), version, servedDigest }),
      );
    const approvedDigest = async (): Promise<string> => {
      const { rows } = await sql<{ digest: string }>`
        select served_digest as digest from submission where endpoint = ${id}`.execute(opened.database.reader);
      return rows[0]?.digest ?? '';
    };

    test('is anything until it has stood once', async () => {
      await expect(wish(2, 'other')).resolves.toBeUndefined();
      await change('submitted', 1, 'waiting');
      await expect(wish(2, 'other')).resolves.toBeUndefined();
    });

    test('is only what was approved after that, also while it is lapsed', async () => {
      await submitAndApprove(room, name);
      for (const lapse of [false, true]) {
        if (lapse) await change('lapsed', 1, 'lapsed');
        await wish(1, await approvedDigest());
        await expect(wish(2, 'other')).rejects.toMatchObject({
          code: 'standing_required',
          message: expect.stringContaining(`where ${modelOf(name)}:1 was approved`) as string,
          remedy: expect.stringContaining(`muster submit ${name} --number 2`) as string,
        });
        await expect(wish(1, 'other settings')).rejects.toMatchObject({
          code: 'standing_required',
          message: expect.stringContaining('these settings are others') as string,
        });
      }
    });

    test('is anything elsewhere than in prod', async () => {
      await submitAndApprove(room, name);
      await expect(wish(2, 'other')).rejects.toMatchObject({ code: 'standing_required' });
      const elsewhere = createStandings({
        database: opened.database,
        environment: 'dev',
        newId: () => 'x',
        ledger: { append: async () => await Promise.resolve(1) },
        identity: { accessChanged: async () => await Promise.resolve() },
        notify: async () => await Promise.resolve(),
      });
      await wish(2, 'other', { ...room, standings: elsewhere });
      await change('lapsed', 1, 'lapsed');
      await opened.database.inTransaction(async (tx) => await elsewhere.refuseNewCallers(tx, name));
      expect(await elsewhere.heldBack()).toEqual(new Map());
    });
  });

  test('an endpoint that lapsed takes no new callers, until it stands again', async () => {
    const ask = async () =>
      await opened.database.inTransaction(async (tx) => await room.standings.refuseNewCallers(tx, name));
    await ask();
    await change('granted', 1, 'in production');
    await ask();
    await change('lapsed', 2, 'lapsed');
    await expect(ask()).rejects.toMatchObject({
      code: 'standing_lapsed',
      remedy: expect.stringContaining(name) as string,
    });
    await change('restored', 3, 'in production');
    await ask();
  });

  test('only endpoints that never stood are held back for their own team', async () => {
    expect((await room.standings.heldBack()).get(name)).toBe('risk');
    await change('submitted', 1, 'waiting');
    expect((await room.standings.heldBack()).has(name)).toBe(true);
    await change('granted', 2, 'in production');
    await change('lapsed', 3, 'lapsed');
    expect((await room.standings.heldBack()).has(name)).toBe(false);
    const other = await room.addEndpoint(`${name}-deleted`);
    await room.run(sql`update endpoint set deleted_at = 1 where id = ${other}`);
    const older = await room.addEndpoint(`${name}-older`);
    await room.run(sql`update endpoint set called_before = 1 where id = ${older}`);
    const held = await room.standings.heldBack();
    expect([held.has(`${name}-deleted`), held.has(`${name}-older`)]).toEqual([false, false]);
  });
});
