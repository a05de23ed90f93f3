import { type Server, type ServerResponse, createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type TestDatabase, databaseKinds, openTestDatabase } from '../../test-support/database.ts';
import {
  type DeploymentsRoom,
  callerOf,
  openDeploymentsRoom,
} from '../../test-support/deployments/deployments-room.ts';
import { eventually } from '../../test-support/eventually.ts';
import { decidingIdentity } from '../../test-support/identity.ts';
import { createLedger } from '../ledger/index.ts';
import type { NewNotification } from '../notifications/index.ts';
import { systemClock } from '../platform/clock/index.ts';
import { type Observing, createObserving } from './index.ts';
import { observedStore } from './store.ts';

const ana = callerOf('default');

describe.each(databaseKinds)('probes, on %s', (kind) => {
  let opened: TestDatabase;
  let room: DeploymentsRoom;
  let observing: Observing;
  let server: Server;
  let url: string;
  let answer: (path: string, response: ServerResponse) => void;
  let mostAtOnce = 0;
  const told: NewNotification[] = [];
  const errors: unknown[] = [];

  beforeAll(async () => {
    opened = await openTestDatabase(kind);
    room = await openDeploymentsRoom(opened.database);
  });
  afterAll(async () => {
    await room.deployments.reconciler.drain();
    await opened.close();
  });
  beforeEach(async () => {
    told.length = 0;
    errors.length = 0;
    mostAtOnce = 0;
    let now = 0;
    answer = (_path, response) => void response.end();
    server = createServer((request, response) => {
      mostAtOnce = Math.max(mostAtOnce, ++now);
      response.on('close', () => (now -= 1));
      answer(request.url ?? '', response);
    });
    await new Promise<void>((resolve) => void server.listen(0, resolve));
    const { port } = server.address() as AddressInfo;
    url = `http://127.0.0.1:${port}`;
    observing = createObserving({
      database: opened.database,
      identity: decidingIdentity(),
      ledger: createLedger({ clock: systemClock }),
      deployments: room.deployments,
      notify: async (_tx, notification) => await Promise.resolve(void told.push(notification)),
      clock: systemClock,
      rules: { allowedHosts: [`127.0.0.1:${port}`, `localhost:${port}`, `*.example.org:${port}`], allowPrivate: true },
      everyMs: 30,
      timeoutMs: 2000,
      userAgent: 'muster/test',
      resolveHost: async () => await Promise.resolve([{ address: '127.0.0.1', family: 4 }]),
      onError: (error) => errors.push(error),
    });
  });
  afterEach(async () => {
    await observing.drain();
    for (const { name } of (await observing.list(ana, { limit: 1000 })).items)
      await room.deployments.deleteEndpoint(ana, name);
    server.closeAllConnections();
    await new Promise((resolve) => void server.close(resolve));
    expect(errors).toEqual([]);
  });

  const add = async (name: string, probe: string) =>
    await observing.create(ana, {
      name,
      team: 'default',
      description: '',
      platform: 'x',
      location: '',
      tags: {},
      probe,
    });
  const probeOf = async (name: string) => (await observing.get(ana, name)).probe;

  it('are looked at from the moment they are set, and what was found is shown', async () => {
    observing.start();
    await add('good', `${url}/ready`);
    const seen = await eventually(async () =>
      (await probeOf('good'))?.ok === true ? await probeOf('good') : undefined,
    );
    expect(seen).toMatchObject({ url: `${url}/ready`, ok: true, status: 200, problem: null });
    expect(seen.ms).toBeGreaterThan(0);
  });

  it('tell people once, at the second look in a row that fails, and again after the next that is ok', async () => {
    let isWell = true;
    let looks = 0;
    answer = (_path, response) => {
      looks += 1;
      response.writeHead(isWell ? 200 : 503).end();
    };
    observing.start();
    await add('frail', `${url}/ready`);
    await eventually(async () => (await probeOf('frail'))?.ok === true);
    isWell = false;
    await eventually(() => told.length === 1);
    expect(told[0]).toMatchObject({ event: 'probe.failed', team: 'default', endpoint: 'frail' });
    expect(told[0]?.text).toContain('it answered 503');
    const after = looks;
    await eventually(() => looks > after + 3);
    expect(told).toHaveLength(1);
    expect(await probeOf('frail')).toMatchObject({ ok: false, status: 503, problem: 'it answered 503' });
    isWell = true;
    await eventually(async () => (await probeOf('frail'))?.ok === true);
    isWell = false;
    await eventually(() => told.length === 2);
  });

  it('tell nobody of one that fails once, nor of one that never was ok', async () => {
    const looks = new Map<string, number>();
    answer = (path, response) => {
      const count = (looks.get(path) ?? 0) + 1;
      looks.set(path, count);
      response.writeHead(path === '/never' || count % 2 === 0 ? 500 : 200).end();
    };
    observing.start();
    await add('never', `${url}/never`);
    await add('flaps', `${url}/flaps`);
    await eventually(() => (looks.get('/never') ?? 0) > 4 && (looks.get('/flaps') ?? 0) > 4);
    expect(told).toEqual([]);
  });

  it('at a slow host hold up no other host, and no host gets more than two at once', async () => {
    const waiting: ServerResponse[] = [];
    answer = (path, response) => void (path.startsWith('/slow') ? waiting.push(response) : response.end());
    const port = new URL(url).port;
    for (let at = 0; at < 20; at++) await add(`slow-${at}`, `http://slow.example.org:${port}/slow`);
    await add('quick', `http://quick.example.org:${port}/`);
    observing.start();
    await eventually(async () => (await probeOf('quick'))?.ok === true);
    expect(waiting.length).toBeLessThanOrEqual(2);
  });

  it('are looked at by eight at once, and not more', async () => {
    const waiting: ServerResponse[] = [];
    answer = (_path, response) => {
      waiting.push(response);
      // Answers when eight wait; the last ones are fewer.
      if (waiting.length === 8 || mostAtOnce === 8) for (const one of waiting.splice(0)) one.end();
    };
    const port = new URL(url).port;
    for (let at = 0; at < 20; at++) await add(`host-${at}`, `http://h${at}.example.org:${port}/`);
    observing.start();
    await eventually(async () =>
      (await observing.list(ana, { limit: 100 })).items.every(({ probe }) => probe?.ok === true),
    );
    expect(mostAtOnce).toBe(8);
  });

  it('that are taken away or changed meanwhile keep nothing of the look', async () => {
    const waiting: ServerResponse[] = [];
    answer = (path, response) => void (path === '/old' ? waiting.push(response) : response.writeHead(404).end());
    observing.start();
    await add('moved', `${url}/old`);
    const held = await eventually(() => waiting[0]);
    await observing.update(ana, 'moved', { probe: `${url}/new` });
    held.end();
    await eventually(async () => (await probeOf('moved'))?.status === 404);
    await observing.update(ana, 'moved', { probe: null });
    expect(await probeOf('moved')).toBeNull();
  });

  it('of one address are noted once, although two controls look', async () => {
    await add('shared', `${url}/ready`);
    const [due] = await observedStore.due(opened.database.reader, Date.now());
    if (due === undefined) throw new Error('nothing is due');
    const found = { ok: true, status: 200, ms: 1, problem: null };
    const note = async (at: number) =>
      await opened.database.inTransaction(async (tx) => await observedStore.note(tx, due, found, at));
    expect([await note(1), await note(2)]).toEqual([true, false]);
    expect(await observedStore.due(opened.database.reader, 0)).toEqual([]);
  });

  it('end with the room: a look that is under way is given up', async () => {
    const waiting: ServerResponse[] = [];
    answer = (_path, response) => void waiting.push(response);
    observing.start();
    await add('held', `${url}/ready`);
    await eventually(() => waiting[0]);
    await observing.drain();
    expect((await probeOf('held'))?.at).toBeNull();
  });
});
