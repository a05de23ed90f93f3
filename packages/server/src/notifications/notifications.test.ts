import { type Notification, MusterError } from '@muster-ml/protocol';
import { sql } from 'kysely';
import { Webhook } from 'standardwebhooks';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type TestDatabase, databaseKinds, openTestDatabase } from '../../test-support/database.ts';
import { eventually } from '../../test-support/eventually.ts';
import { type HttpReceiver, startHttpReceiver } from '../../test-support/http-receiver.ts';
import { callerWith, decidingIdentity } from '../../test-support/identity.ts';
import { codeOf, openTestApi } from '../../test-support/test-api.ts';
import { type NewEntry, createLedger } from '../ledger/index.ts';
import { type Clock, createIds, systemClock } from '../platform/clock/index.ts';
import type { Channel } from './channel.ts';
import type { NewNotification } from './contract.ts';
import { type Notifications, createNotifications, notificationRoutes } from './index.ts';
import { createWebhook } from './webhook.ts';

const secret = `whsec_${Buffer.alloc(32, 1).toString('base64')}`;
const sender = { environment: 'test', userAgent: 'muster/test' };
const root = callerWith({ id: 'root', platformRoles: ['admin'] });
const rita = callerWith({ id: 'rita', teams: { risk: ['viewer'] } });
const sam = callerWith({ id: 'sam', teams: { sales: ['viewer'] } });
const page = { limit: 100 };
const lapsed: NewNotification = {
  event: 'standing.lapsed',
  team: 'risk',
  endpoint: 'fraud',
  title: 'fraud lapsed',
  text: 'Nobody owns it.',
};

describe.each(databaseKinds)('notifications, on %s', (kind) => {
  let opened: TestDatabase;
  let receiver: HttpReceiver;
  let running: Notifications[];
  let entries: NewEntry[];
  let errors: unknown[];
  beforeEach(async () => {
    opened = await openTestDatabase(kind);
    receiver = await startHttpReceiver();
    [running, entries, errors] = [[], [], []];
    await opened.database.inTransaction(
      async (tx) => void (await sql`insert into team (name, created_at) values ('risk', 0), ('sales', 0)`.execute(tx)),
    );
  });
  afterEach(async () => {
    for (const one of running) await one.stop();
    await receiver.close();
    await opened.close();
  });

  const webhook = (name: string, events?: Channel['events']): Channel =>
    createWebhook({ name, events, url: `${receiver.url}/${name}`, secrets: [secret], sender });

  function create(
    channels: readonly Channel[],
    {
      clock = systemClock,
      ...timing
    }: { clock?: Clock; retryDelaysMs?: number[]; timeoutMs?: number; drainMs?: number } = {},
  ): Notifications {
    const ledger = createLedger({ clock: systemClock });
    const made = createNotifications({
      database: opened.database,
      identity: decidingIdentity(),
      ledger: {
        append: async (tx, entry) => {
          entries.push(entry);
          return await ledger.append(tx, entry);
        },
      },
      clock,
      newId: createIds(clock),
      channels,
      onError: (error) => errors.push(error),
      timing: { lookMs: 20, soonMs: 5, retryDelaysMs: [10, 10, 10], ...timing },
    });
    running.push(made);
    return made;
  }
  async function started(...given: Parameters<typeof create>): Promise<Notifications> {
    const made = create(...given);
    await made.start();
    return made;
  }
  const tell = async (by: Notifications, notification: NewNotification = lapsed): Promise<void> =>
    await opened.database.inTransaction(async (tx) => await by.notify(tx, notification));
  const newest = async (by: Notifications): Promise<Notification | undefined> => (await by.list(root, page)).items[0];
  const deliveries = async (by: Notifications): Promise<Notification['deliveries']> =>
    (await newest(by))?.deliveries ?? [];
  const settled = async (by: Notifications): Promise<Notification['deliveries']> =>
    await eventually(async () => {
      const found = await deliveries(by);
      return found.length > 0 && found.every(({ state }) => state !== 'waiting') && found;
    });
  const paths = (): string[] => receiver.received.map(({ path }) => path).toSorted();

  it('are delivered to every channel that wants the event, once what they tell of is committed', async () => {
    const room = await started([
      webhook('all'),
      webhook('lapses', ['standing.lapsed']),
      webhook('drills', ['drill.failed']),
    ]);
    await tell(room);
    expect(await settled(room)).toMatchObject([
      { channel: 'all', state: 'delivered', attempts: 1, problem: null },
      { channel: 'lapses', state: 'delivered', attempts: 1, problem: null },
    ]);
    expect(paths()).toEqual(['/all', '/lapses']);
    const [got] = receiver.received;
    expect(new Webhook(secret).verify(got?.body ?? '', got?.headers as Record<string, string>)).toMatchObject({
      type: 'standing.lapsed',
      data: { team: 'risk', endpoint: 'fraud', title: 'fraud lapsed' },
    });
    expect(errors).toEqual([]);
  });

  it('are never sent where their transaction is rolled back', async () => {
    const room = await started([webhook('all')]);
    const failed = opened.database.inTransaction(async (tx) => {
      await room.notify(tx, { ...lapsed, title: 'never happened' });
      throw new Error('it did not happen');
    });
    await expect(failed).rejects.toThrow('it did not happen');
    await tell(room);
    await settled(room);
    expect(receiver.received.map(({ body }) => (JSON.parse(body) as { data: { title: string } }).data.title)).toEqual([
      'fraud lapsed',
    ]);
  });

  it('are tried again until they arrive, with the same id', async () => {
    let refusals = 2;
    receiver.answer = (response) => void response.writeHead(refusals-- > 0 ? 500 : 204).end();
    const room = await started([webhook('all')]);
    await tell(room);
    expect(await settled(room)).toMatchObject([{ state: 'delivered', attempts: 3, problem: null }]);
    expect(new Set(receiver.received.map(({ headers }) => headers['webhook-id'])).size).toBe(1);
    const id = (await newest(room))?.id;
    expect(errors.map(String)).toEqual([
      `Error: notification ${id} (standing.lapsed) did not reach all: it answered 500; attempt 1, again in 0 s`,
      `Error: notification ${id} (standing.lapsed) did not reach all: it answered 500; attempt 2, again in 0 s`,
    ]);
  });

  it('are given up after the last attempt, and at once where nobody listens any more', async () => {
    receiver.answer = (response, { path }) => void response.writeHead(path === '/gone' ? 410 : 500).end();
    const room = await started([webhook('all'), webhook('gone')]);
    await tell(room);
    expect(await settled(room)).toMatchObject([
      { channel: 'all', state: 'given up', attempts: 4, problem: 'it answered 500', deliveredAt: null },
      { channel: 'gone', state: 'given up', attempts: 1, problem: 'it answered 410: nobody listens there any more' },
    ]);
  });

  it('do not wait for a channel that hangs', async () => {
    receiver.answer = (response, { path }) => void (path === '/slow' || response.writeHead(204).end());
    const room = await started([webhook('slow'), webhook('swift')], { timeoutMs: 60_000, drainMs: 0 });
    for (let count = 0; count < 10; count++) await tell(room);
    await eventually(() => paths().filter((path) => path === '/swift').length === 10);
    expect(paths().filter((path) => path === '/slow')).toHaveLength(2);
  });

  it('that hang are tried again once their time is up', async () => {
    let isHanging = true;
    receiver.answer = (response) => {
      if (!isHanging) response.writeHead(204).end();
      isHanging = false;
    };
    const room = await started([webhook('all')], { timeoutMs: 1000 });
    await tell(room);
    expect(await settled(room)).toMatchObject([{ state: 'delivered', attempts: 2 }]);
    expect(String(errors[0])).toContain('it did not answer within 1 s');
  });

  it('that were committed but not sent before the process died are sent by the next', async () => {
    // Never started: it dies between the commit and the sending.
    await tell(create([webhook('all')]));
    expect(receiver.received).toEqual([]);
    const next = await started([webhook('all')]);
    expect(await settled(next)).toMatchObject([{ state: 'delivered', attempts: 1 }]);
    expect(receiver.received).toHaveLength(1);
  });

  it('that somebody took and never brought to an end are sent by the next, once it is sure', async () => {
    const dead = create([webhook('all')]);
    await tell(dead);
    const { notificationStore } = await import('./store.ts');
    const until = Date.now() + 50;
    await opened.database.inTransaction(
      async (tx) => void (await notificationStore.claim(tx, 'all', { now: Date.now(), until, limit: 5 })),
    );
    const next = await started([webhook('all')]);
    expect(await settled(next)).toMatchObject([{ state: 'delivered', attempts: 2 }]);
    expect(Date.now()).toBeGreaterThanOrEqual(until);
  });

  it('that a stop cuts off are sent by the next start, and no attempt was lost', async () => {
    receiver.answer = () => {};
    const first = await started([webhook('all')], { timeoutMs: 60_000, drainMs: 0 });
    await tell(first);
    await eventually(() => receiver.received.length === 1);
    await first.stop();
    expect(await deliveries(first)).toMatchObject([{ state: 'waiting', attempts: 0, problem: null }]);
    receiver.answer = (response) => void response.writeHead(204).end();
    expect(await settled(await started([webhook('all')]))).toMatchObject([{ state: 'delivered', attempts: 1 }]);
    const ids = receiver.received.map(({ headers }) => headers['webhook-id']);
    expect(ids[0]).toBe(ids[1]);
    expect(errors).toEqual([]);
  });

  it('that are under way at a stop arrive, where it does not take long', async () => {
    const answers: (() => void)[] = [];
    receiver.answer = (response) => void answers.push(() => response.writeHead(204).end());
    const room = await started([webhook('all')], { drainMs: 10_000 });
    await tell(room);
    await eventually(() => answers.length === 1);
    const stopped = room.stop();
    answers[0]?.();
    await stopped;
    expect(await deliveries(room)).toMatchObject([{ state: 'delivered' }]);
  });

  it('for a channel that is not configured any more are given up at the start', async () => {
    await tell(create([webhook('old'), webhook('all')]));
    const room = await started([webhook('all')]);
    expect(await settled(room)).toMatchObject([
      { channel: 'all', state: 'delivered' },
      { channel: 'old', state: 'given up', attempts: 0, problem: 'its channel is not configured any more' },
    ]);
    await tell(create([webhook('all')]), { ...lapsed, title: 'later' });
    expect(await settled(await started([]))).toMatchObject([{ channel: 'all', state: 'given up' }]);
  });

  it('are taken by one of two that look at the same time', async () => {
    const channels = [webhook('all')];
    const [one, other] = [await started(channels), await started(channels)];
    for (let count = 0; count < 20; count++) await tell(count % 2 === 0 ? one : other);
    await eventually(async () =>
      (await one.list(root, page)).items.every(({ deliveries: [d] }) => d?.state === 'delivered'),
    );
    expect(receiver.received).toHaveLength(20);
  });

  it('are listed for who is in their team, newest first, page by page; those of no team for who sees all', async () => {
    const room = create([webhook('all')]);
    await tell(room);
    await tell(room, { event: 'drill.failed', team: 'sales', endpoint: 'leads', title: 'drill', text: '' });
    await tell(room, { event: 'test', team: null, title: 'none', text: '' });
    const titles = async (caller: typeof root, query: Parameters<Notifications['list']>[1] = page) =>
      (await room.list(caller, query)).items.map(({ title }) => title);
    expect(await titles(root)).toEqual(['none', 'drill', 'fraud lapsed']);
    expect(await titles(rita)).toEqual(['fraud lapsed']);
    expect(await titles(sam)).toEqual(['drill']);
    expect(await titles(callerWith({ granted: ['fraud'] }))).toEqual([]);
    expect(await titles(root, { ...page, team: 'risk' })).toEqual(['fraud lapsed']);
    expect(await titles(rita, { ...page, team: 'sales' })).toEqual([]);
    expect(await titles(root, { ...page, event: 'test' })).toEqual(['none']);
    const limited = callerWith({ platformRoles: ['admin'], token: { resources: ['endpoint/leads'] } });
    expect(await titles(limited)).toEqual(['drill']);
    const first = await room.list(root, { limit: 2 });
    expect(first.items.map(({ title }) => title)).toEqual(['none', 'drill']);
    expect(await titles(root, { limit: 2, after: first.next })).toEqual(['fraud lapsed']);
  });

  it('can be tried out by an admin of the installation, over the API; it is written down', async () => {
    const room = await started([webhook('drills', ['drill.failed'])]);
    const api = openTestApi({ root, rita }, notificationRoutes(room));
    const answer = await api.call('POST', '/notifications/test');
    expect(answer.statusCode).toBe(202);
    expect(answer.json()).toMatchObject({
      event: 'test',
      team: null,
      deliveries: [{ channel: 'drills', attempts: 0 }],
    });
    expect(await settled(room)).toMatchObject([{ state: 'delivered' }]);
    expect(entries).toMatchObject([
      { action: 'notification.test', subject: { kind: 'installation' }, team: null, ctx: { channels: ['drills'] } },
    ]);
    expect(await codeOf(api.call('POST', '/notifications/test', undefined, { authorization: 'rita' }))).toEqual([
      403,
      'not_allowed',
    ]);
    expect((await api.call('GET', '/notifications?limit=1')).json()).toMatchObject({ items: [{ event: 'test' }] });
    await api.close();
  });

  it('are kept for 90 days', async () => {
    let now = Date.now();
    const room = create([webhook('all')], { clock: { ...systemClock, now: () => now } });
    await tell(room, { ...lapsed, title: 'old' });
    now += 60 * 86_400_000;
    await tell(room, { ...lapsed, title: 'young' });
    now += 31 * 86_400_000;
    await room.sweep();
    expect((await room.list(root, page)).items.map(({ title }) => title)).toEqual(['young']);
    const left = await sql<{ n: number }>`select count(*) as n from notification_delivery`.execute(
      opened.database.reader,
    );
    expect(Number(left.rows[0]?.n)).toBe(1);
  });

  it('survive a channel that fails in a way nobody foresaw', async () => {
    let isBroken = true;
    const odd: Channel = {
      name: 'odd',
      events: undefined,
      send: async () => {
        if (isBroken) {
          isBroken = false;
          throw new MusterError('internal_error', 'odd');
        }
        return await Promise.resolve({ ok: true });
      },
    };
    const room = await started([odd]);
    await tell(room);
    expect(await settled(room)).toMatchObject([{ state: 'delivered', attempts: 2 }]);
    expect(String(errors[0])).toContain('odd');
  });
});
