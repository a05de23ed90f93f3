import { type Follow, servingSettingsSchema } from '@muster-ml/protocol';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type TestDatabase, databaseKinds, openTestDatabase } from '../../test-support/database.ts';
import {
  type DeploymentsRoom,
  callerOf,
  openDeploymentsRoom,
  until,
} from '../../test-support/deployments/deployments-room.ts';
import { decidingIdentity } from '../../test-support/identity.ts';
import { callerIn, maker } from '../../test-support/registry.ts';
import { type TestApi, codeOf, openTestApi } from '../../test-support/test-api.ts';
import type { IdentityTables } from '../identity/tables.ts';
import { type NewEntry, createLedger } from '../ledger/index.ts';
import { systemClock } from '../platform/clock/index.ts';
import { createFollowing, followRoutes } from './index.ts';
import { followStore } from './store.ts';

const ana = callerOf('default');
/** Who the server acts for, with the rights that they hold now. */
const holder = { actor: ana.actor };
const rita = callerIn({ default: ['viewer'] }, 'rita');
const notAsked = async () => await Promise.reject(new Error('no version is copied here'));
/** Nothing listens there. */
const server = 'http://127.0.0.1:1';
const wish = { server: `${server}/`, sourceModel: 'churn', alias: 'champion' };

/** The room's routes as clients meet them, and what the follower makes of endpoints that went away. */
describe.each(databaseKinds)('the routes of followed aliases, on %s', (kind) => {
  let opened: TestDatabase;
  let room: DeploymentsRoom;
  let api: TestApi;
  const entries: NewEntry[] = [];

  const following = () => {
    const ledger = createLedger({ clock: systemClock });
    return createFollowing({
      database: opened.database,
      objects: { put: notAsked },
      ledger: {
        append: async (tx, entry) => {
          entries.push(entry);
          return await ledger.append(tx, entry);
        },
      },
      identity: {
        ...decidingIdentity(),
        actorById: async () => await Promise.resolve(holder.actor),
      },
      operations: room.operations,
      registry: { createModel: notAsked, registerVersion: notAsked, listVersions: notAsked, getVersion: notAsked },
      deployments: room.deployments,
      clock: systemClock,
      servers: [{ url: server }],
      everyMs: 20,
      maxModelBytes: 1,
      softwareVersion: 'test',
      onError: () => undefined,
    });
  };
  const call = async (...given: Parameters<TestApi['call']>) => await api.call(...given);
  const deploy = async (name: string) =>
    await room.ended(
      await room.deployments.deploy(ana, name, {
        model: 'm',
        version: 1,
        role: 'live',
        settings: servingSettingsSchema.parse({}),
      }),
    );
  const stored = async (name: string) => await followStore.of(opened.database.reader, name);

  beforeAll(async () => {
    opened = await openTestDatabase(kind);
    room = await openDeploymentsRoom(opened.database);
    await opened.database.inTransaction(async (tx) => {
      const actors = tx.withTables<IdentityTables>().insertInto('actor');
      const row = { id: 'ana', kind: 'person', name: 'Ana', folded_name: 'ana', created_at: 0 } as const;
      await actors.values({ ...row, team: null, disabled_at: null }).execute();
    });
    api = openTestApi({ ana, rita }, followRoutes(following()));
    await deploy('fraud');
  });
  afterAll(async () => {
    await api.close();
    await room.deployments.reconciler.drain();
    await opened.close();
  });

  it('answer 200 with the wish, which takes the model of what is live, and 204 when it ends', async () => {
    const set = await call('PUT', '/endpoints/fraud/follow', wish);
    expect([set.statusCode, set.json()]).toMatchObject([
      200,
      { endpoint: 'fraud', server, sourceModel: 'churn', alias: 'champion', model: 'm', version: null, setBy: 'ana' },
    ]);
    const read = await call('GET', '/endpoints/fraud/follow', undefined, { authorization: 'rita' });
    expect([read.statusCode, read.json()]).toEqual([200, set.json()]);
    expect((await call('DELETE', '/endpoints/fraud/follow')).statusCode).toBe(204);
    expect(await codeOf(call('GET', '/endpoints/fraud/follow'))).toEqual([404, 'follow_not_found']);
  });

  it('say in the ledger what was wished before and after, and by which token', async () => {
    entries.length = 0;
    await call('PUT', '/endpoints/fraud/follow', wish);
    await call('PUT', '/endpoints/fraud/follow', { ...wish, alias: 'challenger' });
    await call('DELETE', '/endpoints/fraud/follow');
    const [first, second, last] = entries;
    const actor = { kind: 'person', id: 'ana', token: 'token-of-ana' };
    expect(entries.map((entry) => [entry.action, entry.actor])).toEqual(entries.map(() => ['endpoint.deploy', actor]));
    expect([first?.before, second?.before, last?.before]).toEqual([undefined, first?.after, second?.after]);
    expect(second?.ctx).toEqual({ follow: { server, model: 'churn', alias: 'challenger' } });
    expect([last?.after, last?.ctx]).toEqual([undefined, { follow: null }]);
  });

  it('keep what was acted upon when the same wish is set again, and forget it with another', async () => {
    await call('PUT', '/endpoints/fraud/follow', wish);
    const before = await stored('fraud');
    if (before === undefined) throw new Error('it was not stored');
    const progress = { ...before, version: '3', failedVersion: '4', retryAt: 1 };
    await opened.database.inTransaction(async (tx) => await followStore.note(tx, before, progress));
    expect((await call('PUT', '/endpoints/fraud/follow', wish)).json<Follow>().version).toBe('3');
    expect(await stored('fraud')).toMatchObject({ failedVersion: null, retryAt: null });
    const other = { ...wish, alias: 'challenger' };
    expect((await call('PUT', '/endpoints/fraud/follow', other)).json<Follow>().version).toBeNull();
    await call('DELETE', '/endpoints/fraud/follow');
  });

  const refusals: readonly [number, string, Parameters<TestApi['call']>][] = [
    [400, 'invalid_request', ['PUT', '/endpoints/fraud/follow', { ...wish, server: 'file:///etc' }]],
    [400, 'invalid_request', ['PUT', '/endpoints/fraud/follow', { ...wish, surprise: true }]],
    [401, 'token_missing', ['GET', '/endpoints/fraud/follow', undefined, { authorization: '' }]],
    [403, 'not_allowed', ['PUT', '/endpoints/fraud/follow', wish, { authorization: 'rita' }]],
    [403, 'not_allowed', ['DELETE', '/endpoints/fraud/follow', undefined, { authorization: 'rita' }]],
    [404, 'endpoint_not_found', ['PUT', '/endpoints/none/follow', wish]],
    [404, 'endpoint_not_found', ['GET', '/endpoints/none/follow']],
    [404, 'endpoint_not_found', ['DELETE', '/endpoints/none/follow']],
    [404, 'follow_not_found', ['GET', '/endpoints/fraud/follow']],
    [404, 'follow_not_found', ['DELETE', '/endpoints/fraud/follow']],
    [412, 'mlflow_unknown_server', ['PUT', '/endpoints/fraud/follow', { ...wish, server: 'http://169.254.169.254' }]],
  ];

  it.each(refusals)('answer %i %s', async (status, code, given) => {
    expect(await codeOf(call(...given))).toEqual([status, code]);
  });

  it('an endpoint that is made again under the same name does not follow what the deleted one did', async () => {
    await deploy('again');
    await call('PUT', '/endpoints/again/follow', wish);
    await room.deployments.deleteEndpoint(ana, 'again');
    await deploy('again');
    expect(await codeOf(call('GET', '/endpoints/again/follow'))).toEqual([404, 'follow_not_found']);
    expect(await codeOf(call('DELETE', '/endpoints/again/follow'))).toEqual([404, 'follow_not_found']);
  });

  it('the follower acts with the rights that who set the wish holds now, and keeps the wish when they are gone', async () => {
    await deploy('kept');
    await call('PUT', '/endpoints/kept/follow', wish);
    holder.actor = rita.actor;
    const follower = following();
    follower.start();
    const problemIs = async (code: string): Promise<boolean> => (await stored('kept'))?.problem?.code === code;
    try {
      await until('it is refused', async () => await problemIs('not_allowed'));
      holder.actor = callerIn({ other: maker }, 'ana').actor;
      const changedAt = Date.now();
      await until('it was looked at again', async () => ((await stored('kept'))?.checkedAt ?? 0) > changedAt + 20);
      expect(await problemIs('not_allowed')).toBe(true);
      holder.actor = ana.actor;
      await until('it is tried again', async () => !(await problemIs('not_allowed')));
    } finally {
      holder.actor = ana.actor;
      await follower.stop();
    }
    await call('DELETE', '/endpoints/kept/follow');
  });

  it('the follower forgets the wishes of endpoints that are gone, also of one that was made again', async () => {
    await deploy('gone');
    for (const name of ['gone', 'again', 'fraud']) await call('PUT', `/endpoints/${name}/follow`, wish);
    await room.deployments.deleteEndpoint(ana, 'gone');
    await room.deployments.deleteEndpoint(ana, 'again');
    await deploy('again');
    const follower = following();
    follower.start();
    try {
      await until('they are forgotten', async () => {
        const seen = await followStore.all(opened.database.reader);
        return seen.length === 1 && seen[0]?.checkedAt !== null;
      });
      expect((await stored('fraud'))?.problem).not.toBeNull();
    } finally {
      await follower.stop();
    }
  });
});
