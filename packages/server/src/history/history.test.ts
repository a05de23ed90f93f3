import { type HistoryInterval, deploySchema } from '@muster-ml/protocol';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type TestDatabase, databaseKinds, openTestDatabase } from '../../test-support/database.ts';
import { callerOf, until } from '../../test-support/deployments/deployments-room.ts';
import { type HistoryRoom, openHistoryRoom } from '../../test-support/history-room.ts';
import { callerWith } from '../../test-support/identity.ts';
import { maker } from '../../test-support/registry.ts';

const ana = callerOf('default');
const canary = { role: 'canary', sharePercent: 20 } as const;

describe.each(databaseKinds)('the history on %s', (kind) => {
  let opened: TestDatabase;
  let its: HistoryRoom;
  beforeAll(async () => {
    opened = await openTestDatabase(kind);
    its = await openHistoryRoom(opened.database);
  });
  afterAll(async () => {
    await its.room.deployments.reconciler.drain();
    await opened.close();
  });

  /** The entries that a row names are those that the ledger has under these numbers. */
  const actionsInLedger = ({ decision, end }: HistoryInterval): (string | undefined)[] =>
    [decision.entry, end?.entry ?? null].map((seq) => (seq === null ? undefined : its.room.entries[seq]?.action));

  test('says for every moment what answered, at which share, and who decided it', async () => {
    const { deployments } = its.room;
    const before = its.moment();
    await its.deploy('told', 1);
    const first = its.moment();
    await its.deploy('told', 2, canary);
    const shared = its.moment();
    await its.deploy('told', 2, { ...canary, sharePercent: 40 });
    const more = its.moment();
    await its.room.ended(await deployments.promote(ana, 'told'));
    const promoted = its.moment();
    await its.room.ended(await deployments.rollback(ana, 'told', {}));
    const back = its.moment();
    await deployments.deleteEndpoint(ana, 'told');
    const after = its.moment();

    expect(await its.at(before, 'told')).toEqual([]);
    expect(await its.at(first, 'told')).toEqual(['live m:1 100 Ana']);
    expect(await its.at(shared, 'told')).toEqual(['live m:1 80 Ana', 'canary m:2 20 Ana']);
    expect(await its.at(more, 'told')).toEqual(['live m:1 60 Ana', 'canary m:2 40 Ana']);
    expect(await its.at(promoted, 'told')).toEqual(['live m:2 100 Ana']);
    expect(await its.at(back, 'told')).toEqual(['live m:1 100 Ana']);
    expect(await its.at(after, 'told')).toEqual([]);

    const all = await its.all('told');
    expect(all.map(({ role, version, decision, end }) => [role, version, decision.action, end?.action])).toEqual([
      ['live', 1, 'endpoint.deploy', 'endpoint.deploy'],
      ['live', 1, 'endpoint.deploy', 'endpoint.deploy'],
      ['canary', 2, 'endpoint.deploy', 'endpoint.deploy'],
      ['live', 1, 'endpoint.deploy', 'endpoint.promote'],
      ['canary', 2, 'endpoint.deploy', 'endpoint.promote'],
      ['live', 2, 'endpoint.promote', 'endpoint.rollback'],
      ['live', 1, 'endpoint.rollback', 'endpoint.delete'],
    ]);
    for (const interval of all) {
      expect(interval).toMatchObject({ deleted: true, why: null });
      expect(actionsInLedger(interval)).toEqual([interval.decision.action, interval.end?.action]);
    }
  });

  test('knows after a restart who decided what takes its traffic only then', async () => {
    its.room.fleet.behave('m-5', 'loading');
    await its.deploy('late', 1);
    const wish = deploySchema.parse({ model: 'm', version: 5 });
    const operation = await its.room.deployments.deploy(ana, 'late', wish);
    const decided = its.room.entries.length - 1;
    await its.room.restart();
    its.room.fleet.behave('m-5', 'ready');
    await its.room.ended(operation);
    expect((await its.all('late')).at(-1)).toMatchObject({
      version: 5,
      decision: { by: { id: 'ana', name: 'Ana' }, action: 'endpoint.deploy', entry: decided },
    });
  });

  test('tells what ended without a decision by its word and its entry, and that nothing answered from then on', async () => {
    await its.deploy('stopped', 7);
    const [target] = its.room.fleet.table()?.endpoints.find(({ name }) => name === 'stopped')?.deployments ?? [];
    const replica = target?.replicas[0]?.id ?? '';
    const incident = { at: Date.now(), deployment: target?.id ?? '', replica, kind: 'confirmed' } as const;
    its.room.fleet.report([incident, incident, incident]);
    await until('it is stopped', async () => (await its.all('stopped'))[0]?.until !== null);
    const [interval] = await its.all('stopped');
    expect(interval).toMatchObject({
      why: 'quarantined',
      end: { by: null, action: 'system.deployment.quarantined' },
    });
    expect(interval === undefined ? [] : actionsInLedger(interval)).toEqual([
      'endpoint.deploy',
      'system.deployment.quarantined',
    ]);
    expect(await its.at(its.moment(), 'stopped')).toEqual([]);
  });

  test('of a canary that is ended gives live back everything, by whoever ended it', async () => {
    await its.deploy('ended', 1);
    await its.deploy('ended', 2, canary);
    const { deployments } = await its.room.deployments.getEndpoint(ana, 'ended');
    const id = deployments.find(({ role }) => role === 'canary')?.id ?? '';
    await its.room.deployments.endDeployment(ana, 'ended', id);
    const [last] = (await its.all('ended')).toReversed();
    expect(last).toMatchObject({ role: 'live', sharePercent: 100, until: null, decision: { by: { id: 'ana' } } });
    expect(last?.decision.entry).toBe(its.room.entries.length - 1);
  });

  test('finds by model and version, also under other endpoints, and in a window of time', async () => {
    await its.deploy('window-a', 21);
    const between = its.moment();
    await its.deploy('window-b', 21);
    const after = its.moment();
    await its.deploy('window-b', 22);
    const find = async (query: object): Promise<string[]> =>
      (await its.history.listHistory(ana, { limit: 100, model: 'm', ...query })).items.map(
        ({ endpoint, version }) => `${endpoint} ${version}`,
      );
    const time = (ms: number): string => new Date(ms).toISOString();
    expect(await find({ version: 21 })).toEqual(['window-b 21', 'window-a 21']);
    expect(await find({ version: 21, until: time(between) })).toEqual(['window-a 21']);
    expect(await find({ version: 21, from: time(between), until: time(after) })).toHaveLength(2);
    expect(await find({ version: 22, until: time(after) })).toEqual([]);
    expect(await find({ version: 90 })).toEqual([]);
  });

  test('pages give each interval once, the newest first', async () => {
    const whole = (await its.history.listHistory(ana, { limit: 1000 })).items;
    const paged: HistoryInterval[] = [];
    for (let after: string | undefined, pages = 0; pages < 100; pages++) {
      const page = await its.history.listHistory(ana, { limit: 2, after });
      expect(page.items.length).toBeLessThanOrEqual(2);
      paged.push(...page.items);
      after = page.next;
      if (after === undefined) break;
    }
    expect(paged).toEqual(whole);
    expect(whole.length).toBeGreaterThan(10);
  });

  test('does not exist for who does not see the team, and counts nothing for them', async () => {
    await its.deploy('hidden', 1);
    const stranger = callerWith({ id: 'sam', teams: { risk: maker } });
    expect((await its.history.listHistory(stranger, { limit: 100 })).items).toEqual([]);
    expect(await its.all('hidden', stranger)).toEqual([]);
    expect(await its.all('hidden', callerOf('default', false))).toHaveLength(1);
    expect(await its.all('hidden', callerWith({ id: 'max', platformRoles: ['auditor'] }))).toHaveLength(1);
  });

  test('a token for one endpoint sees that one, and nothing of an earlier one of its name', async () => {
    await its.deploy('reused', 1);
    await its.room.deployments.deleteEndpoint(ana, 'reused');
    await its.deploy('reused', 2);
    const limited = callerWith({ id: 'ana', teams: { default: maker }, token: { resources: ['endpoint/reused'] } });
    expect((await its.all('reused')).map(({ version, deleted }) => [version, deleted])).toEqual([
      [1, true],
      [2, false],
    ]);
    const seen = (await its.history.listHistory(limited, { limit: 100 })).items;
    expect(seen.map(({ endpoint, version }) => [endpoint, version])).toEqual([['reused', 2]]);
  });

  test('what contradicts itself is refused at its place', async () => {
    const refusal = async (query: object): Promise<unknown> =>
      await its.history.listHistory(ana, { limit: 10, ...query }).catch((error: unknown) => error);
    const at = '2026-11-01T00:00:00Z';
    expect(await refusal({ at, from: at })).toMatchObject({ code: 'invalid_request', place: 'query.at' });
    expect(await refusal({ from: at, until: at })).toMatchObject({ code: 'invalid_request', place: 'query.until' });
    expect(await refusal({ version: 3 })).toMatchObject({ code: 'invalid_request', place: 'query.version' });
    for (const after of [
      'x',
      Buffer.from('["a","b"]').toString('base64url'),
      Buffer.from('[1,"\\u0000"]').toString('base64url'),
    ])
      expect(await refusal({ after })).toMatchObject({ code: 'invalid_request', place: 'query.after' });
  });
});
