import type { FleetEndpoint, FleetQuery } from '@muster-ml/protocol';
import type { KyselyPlugin } from 'kysely';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type TestDatabase, databaseKinds, openTestDatabase } from '../../test-support/database.ts';
import { callerOf } from '../../test-support/deployments/deployments-room.ts';
import { type HistoryRoom, namingIdentity, openHistoryRoom } from '../../test-support/history-room.ts';
import { callerWith } from '../../test-support/identity.ts';
import { maker } from '../../test-support/registry.ts';
import type { DeploymentTables } from '../deployments/index.ts';
import { type History, createHistory } from './history.ts';
import type { EndpointUsage } from './parts.ts';

const ana = callerOf('default');
const everything: FleetQuery = { limit: 1000, sort: 'name' };
const counts: readonly EndpointUsage[] = [
  { endpoint: 'churn', team: 'default', requests: 7, errors: 3, callers: 2 },
  { endpoint: 'fraud', team: 'default', requests: 90, errors: 1, callers: 1 },
  // Of another team that had the name before.
  { endpoint: 'rank', team: 'risk', requests: 1000, errors: 0, callers: 9 },
];

describe.each(databaseKinds)('the fleet on %s', (kind) => {
  let opened: TestDatabase;
  let its: HistoryRoom;
  let history: History;
  let queries = 0;
  beforeAll(async () => {
    opened = await openTestDatabase(kind);
    its = await openHistoryRoom(opened.database);
    const counting: KyselyPlugin = {
      transformQuery({ node }) {
        queries += 1;
        return node;
      },
      transformResult: async ({ result }) => await Promise.resolve(result),
    };
    history = createHistory({
      database: { ...opened.database, reader: opened.database.reader.withPlugin(counting) },
      identity: namingIdentity,
      usage: async () => await Promise.resolve(counts),
    });
    await its.deploy('fraud', 1);
    await its.deploy('fraud', 2, { role: 'canary', sharePercent: 10 });
    await its.deploy('churn', 3);
    its.room.fleet.behave('m-9', 'failed');
    await its.deploy('rank', 9);
    await its.deploy('gone', 1);
    await its.room.deployments.deleteEndpoint(ana, 'gone');
  });
  afterAll(async () => {
    await its.room.deployments.reconciler.drain();
    await opened.close();
  });

  const names = async (query: Partial<FleetQuery> = {}, caller = ana): Promise<string[]> =>
    (await history.listFleet(caller, { ...everything, ...query })).items.map(({ name }) => name);

  test('says of every endpoint whose it is, what is live, how it is used, and who changed it last', async () => {
    const { items } = await history.listFleet(ana, everything);
    expect(items.map(({ name }) => name)).toEqual(['churn', 'fraud', 'rank']);
    expect(items[1]).toMatchObject({
      team: 'default',
      owner: { id: 'ana', name: 'Ana' },
      live: { model: 'm', version: 1, sharePercent: 90 },
      canary: { model: 'm', version: 2, sharePercent: 10 },
      shadow: null,
      standing: 'deployed',
      usage: { hours: 24, requests: 90, errors: 1, callers: 1 },
      changed: { by: { name: 'Ana' }, action: 'endpoint.deploy' },
    });
    const { changed } = items[1] as FleetEndpoint;
    expect(its.room.entries[changed.entry ?? -1]).toMatchObject({ action: 'endpoint.deploy', ctx: { role: 'canary' } });
  });

  test('says that one is stopped where nothing is live, and counts nothing of another team for it', async () => {
    const { items } = await history.listFleet(ana, { ...everything, search: 'ra' });
    expect(items).toMatchObject([
      { name: 'rank', live: null, standing: 'stopped', usage: { requests: 0, callers: 0 } },
    ]);
  });

  test('does not say that nobody called where nobody counts', async () => {
    const { items } = await its.history.listFleet(ana, everything);
    expect(items.map(({ usage }) => usage)).toEqual([null, null, null]);
  });

  test('is ordered by names forwards, by counts and times the highest first, and found by what names begin with', async () => {
    await its.room.deployments.updateEndpoint(ana, 'churn', { description: 'who leaves' }, undefined);
    expect(await names({ sort: 'changed' })).toEqual(['churn', 'rank', 'fraud']);
    expect(await names({ sort: 'requests' })).toEqual(['fraud', 'churn', 'rank']);
    expect(await names({ sort: 'errors' })).toEqual(['churn', 'fraud', 'rank']);
    expect(await names({ search: 'f' })).toEqual(['fraud']);
    expect(await names({ search: 'raud' })).toEqual([]);
    expect(await names({ team: 'risk' })).toEqual([]);
  });

  test('is, for everybody, what they may see', async () => {
    expect(await names({}, callerWith({ id: 'sam', teams: { risk: maker } }))).toEqual([]);
    expect(await names({}, callerWith({ id: 'sam', granted: ['fraud'] }))).toEqual(['fraud']);
    expect(await names({ sort: 'requests' }, callerWith({ id: 'sam', granted: ['fraud'] }))).toEqual(['fraud']);
  });

  test('of a thousand endpoints is one query a page, in every order', { timeout: 60_000 }, async () => {
    await opened.database.inTransaction(async (tx) => {
      const rows = Array.from({ length: 1000 }, (_, at) => ({
        id: `e-${at}`,
        name: `many-${String(at).padStart(4, '0')}`,
        team: 'default',
        kind: 'served' as const,
        description: '',
        tags: '{}',
        limits: '{}',
        revision: 1,
        touched: 0,
        created_at: at % 10,
        created_by: 'ana',
      }));
      for (let at = 0; at < rows.length; at += 100)
        await tx
          .withTables<DeploymentTables>()
          .insertInto('endpoint')
          .values(rows.slice(at, at + 100))
          .execute();
    });
    for (const [sort, most] of [
      ['name', 1],
      ['changed', 1],
      ['team', 1],
      ['requests', 2],
    ] as const) {
      const seen: string[] = [];
      for (let after: string | undefined, pages = 1; ; pages++) {
        queries = 0;
        const page = await history.listFleet(ana, { limit: 300, sort, after });
        expect(queries).toBeLessThanOrEqual(most);
        seen.push(...page.items.map(({ name }) => name));
        after = page.next;
        if (after === undefined) {
          expect(pages).toBe(4);
          break;
        }
      }
      expect([sort, seen.length, new Set(seen).size]).toEqual([sort, 1003, 1003]);
    }
  });

  test('a cursor of another order is refused', async () => {
    const { next = '' } = await history.listFleet(ana, { limit: 1, sort: 'changed' });
    await expect(history.listFleet(ana, { limit: 1, sort: 'name', after: next })).rejects.toMatchObject({
      code: 'invalid_request',
      place: 'query.after',
    });
  });
});
