import { type ImportResult, type Observed, servingSettingsSchema } from '@muster-ml/protocol';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type TestDatabase, databaseKinds, openTestDatabase } from '../../test-support/database.ts';
import {
  type DeploymentsRoom,
  callerOf,
  openDeploymentsRoom,
} from '../../test-support/deployments/deployments-room.ts';
import { callerWith, decidingIdentity } from '../../test-support/identity.ts';
import { type TestApi, codeOf, openTestApi } from '../../test-support/test-api.ts';
import { type NewEntry, createLedger } from '../ledger/index.ts';
import { systemClock } from '../platform/clock/index.ts';
import { createObserving, observedRoutes } from './index.ts';

const ana = callerOf('default');
const eve = callerOf('default', false);
/** Of another team: nothing of `default` exists for her. */
const rita = callerOf('risk');
const limited = callerWith({ id: 'bot', teams: { default: ['operator'] }, token: { actions: ['endpoint.read'] } });

describe.each(databaseKinds)('observed endpoints, on %s', (kind) => {
  let opened: TestDatabase;
  let room: DeploymentsRoom;
  let api: TestApi;
  /** Of this room and of the deployments, in their order within each. */
  const entries: NewEntry[] = [];

  const call = async (...given: Parameters<TestApi['call']>) => await api.call(...given);
  const as = (caller: string) => ({ authorization: caller });
  const importAs = async (body: object, caller = 'ana') =>
    (await call('POST', '/observed-endpoints/import', body, as(caller))).json<ImportResult>();
  const get = async (name: string) => (await call('GET', `/observed-endpoints/${name}`)).json<Observed>();
  const epoch = async () =>
    (
      await opened.database.reader
        .withTables<{ deployment_clock: { epoch: number } }>()
        .selectFrom('deployment_clock')
        .select('epoch')
        .executeTakeFirstOrThrow()
    ).epoch;

  beforeAll(async () => {
    opened = await openTestDatabase(kind);
    room = await openDeploymentsRoom(opened.database);
    const ledger = createLedger({ clock: systemClock });
    const observing = createObserving({
      database: opened.database,
      identity: decidingIdentity(),
      ledger: {
        append: async (tx, entry) => {
          entries.push(entry);
          return await ledger.append(tx, entry);
        },
      },
      deployments: {
        observeEndpoint: async (...given) => await room.deployments.observeEndpoint(...given),
        changeObservedEndpoint: async (...given) => await room.deployments.changeObservedEndpoint(...given),
      },
      notify: async () => await Promise.resolve(),
      clock: systemClock,
      rules: { allowedHosts: ['models.example.org', '10.0.0.1'], allowPrivate: false },
      everyMs: 60_000,
      timeoutMs: 100,
      userAgent: 'muster/test',
      onError: () => undefined,
    });
    api = openTestApi({ ana, eve, rita, limited }, observedRoutes(observing));
    const settings = servingSettingsSchema.parse({});
    await room.ended(await room.deployments.deploy(ana, 'served', { model: 'm', version: 1, role: 'live', settings }));
  });
  afterAll(async () => {
    await api.close();
    await room.deployments.reconciler.drain();
    await opened.close();
  });

  it('are listed with what is known of them, as endpoints of the kind observed', async () => {
    const wish = {
      name: 'fraud',
      platform: 'kserve',
      location: 'prod/fraud',
      model: 's3://models/fraud',
      version: '4',
      probe: 'https://models.example.org/fraud/ready',
      description: 'finds it',
      runbook: 'https://wiki.example.org/fraud',
      tags: { stage: 'prod' },
    };
    const made = await call('POST', '/observed-endpoints', wish);
    expect([made.statusCode, made.json()]).toMatchObject([
      201,
      {
        name: 'fraud',
        team: 'default',
        platform: 'kserve',
        source: 'hand',
        probe: { url: wish.probe, ok: null, at: null },
        observation: null,
      },
    ]);
    expect(await get('fraud')).toEqual(made.json());
    expect(await room.deployments.getEndpoint(ana, 'fraud')).toMatchObject({
      kind: 'observed',
      standing: 'observed',
      owner: { id: 'ana' },
      description: 'finds it',
      runbook: wish.runbook,
      tags: { stage: 'prod' },
      deployments: [],
    });
    expect(room.entries.at(-1)).toMatchObject({
      action: 'endpoint.observe',
      subject: { kind: 'endpoint', id: 'fraud' },
      team: 'default',
      ctx: { platform: 'kserve', probe: 'models.example.org' },
    });
  });

  it('are seen by those who may see their team, and exist for nobody else', async () => {
    await call('POST', '/observed-endpoints', { name: 'risky', team: 'risk', platform: 'x' }, as('rita'));
    const names = async (caller: string) =>
      (await call('GET', '/observed-endpoints', undefined, as(caller)))
        .json<{ items: Observed[] }>()
        .items.map(({ name }) => name);
    expect(await names('ana')).toEqual(['fraud']);
    expect(await names('eve')).toEqual(['fraud']);
    expect(await names('rita')).toEqual(['risky']);
    expect((await call('GET', '/observed-endpoints/fraud', undefined, as('eve'))).statusCode).toBe(200);
    const hidden = await call('GET', '/observed-endpoints/fraud', undefined, as('rita'));
    const missing = await call('GET', '/observed-endpoints/frauds', undefined, as('rita'));
    expect(hidden.json<{ detail: string }>().detail).toBe('there is no endpoint fraud');
    expect(missing.json<{ detail: string }>().detail).toBe('there is no endpoint frauds');
  });

  it('are listed page by page', async () => {
    for (const name of ['page-a', 'page-b']) await call('POST', '/observed-endpoints', { name, platform: 'x' });
    const first = (await call('GET', '/observed-endpoints?limit=2')).json<{ items: Observed[]; next?: string }>();
    expect([first.items.map(({ name }) => name), first.next]).toEqual([['fraud', 'page-a'], 'page-a']);
    const second = (await call('GET', '/observed-endpoints?limit=2&after=page-a')).json<typeof first>();
    expect([second.items.map(({ name }) => name), second.next]).toEqual([['page-b'], undefined]);
  });

  const probe = 'https://models.example.org/';
  const observation = { from: '2026-01-01T00:00:00Z', until: '2026-01-02T00:00:00Z', requests: 10, errors: 1 };
  const future = new Date(Date.now() + 3_600_000).toISOString();
  const refusals: readonly [number, string, Parameters<TestApi['call']>][] = [
    [400, 'invalid_request', ['POST', '/observed-endpoints', { name: 'x', platform: 'y', surprise: 1 }]],
    [400, 'invalid_request', ['POST', '/observed-endpoints', { name: 'x', platform: 'y', probe: 'file:///etc' }]],
    [
      400,
      'invalid_request',
      ['POST', '/observed-endpoints', { name: 'x', platform: 'y', probe: 'http://a:b@models.example.org/' }],
    ],
    [401, 'token_missing', ['GET', '/observed-endpoints', undefined, as('')]],
    [403, 'not_allowed', ['POST', '/observed-endpoints', { name: 'x', platform: 'y' }, as('eve')]],
    [
      403,
      'not_allowed',
      ['POST', '/observed-endpoints/import', { source: 'csv', items: [{ name: 'x', platform: 'y' }] }, as('limited')],
    ],
    [403, 'not_allowed', ['PATCH', '/observed-endpoints/fraud', { location: 'x' }, as('eve')]],
    [403, 'not_allowed', ['POST', '/observed-endpoints/fraud/observations', observation, as('eve')]],
    [
      403,
      'probe_not_allowed',
      ['POST', '/observed-endpoints', { name: 'x', platform: 'y', probe: 'http://other.example.org/' }],
    ],
    [
      403,
      'probe_not_allowed',
      ['POST', '/observed-endpoints', { name: 'x', platform: 'y', probe: 'http://10.0.0.1/' }],
    ],
    [403, 'probe_not_allowed', ['PATCH', '/observed-endpoints/fraud', { probe: `${probe.slice(0, -1)}:444/` }]],
    [404, 'team_not_found', ['POST', '/observed-endpoints', { name: 'x', team: 'risk', platform: 'y' }]],
    [404, 'team_not_found', ['POST', '/observed-endpoints', { name: 'x', team: 'none', platform: 'y' }]],
    [404, 'usecase_not_found', ['POST', '/observed-endpoints', { name: 'x', platform: 'y', useCase: 'none' }]],
    [404, 'endpoint_not_found', ['PATCH', '/observed-endpoints/none', { location: 'x' }]],
    [404, 'endpoint_not_found', ['PATCH', '/observed-endpoints/fraud', { location: 'x' }, as('rita')]],
    [404, 'endpoint_not_found', ['POST', '/observed-endpoints/fraud/observations', observation, as('rita')]],
    [409, 'endpoint_exists', ['POST', '/observed-endpoints', { name: 'fraud', platform: 'y' }]],
    [409, 'endpoint_exists', ['POST', '/observed-endpoints', { name: 'served', platform: 'y' }]],
    [
      409,
      'endpoint_exists',
      ['POST', '/observed-endpoints', { name: 'fraud', team: 'risk', platform: 'y' }, as('rita')],
    ],
    [412, 'endpoint_served', ['GET', '/observed-endpoints/served']],
    [412, 'endpoint_served', ['PATCH', '/observed-endpoints/served', { location: 'x' }]],
    [412, 'endpoint_served', ['POST', '/observed-endpoints/served/observations', observation]],
    [400, 'invalid_request', ['POST', '/observed-endpoints/fraud/observations', { ...observation, until: future }]],
    [400, 'invalid_request', ['POST', '/observed-endpoints/fraud/observations', { ...observation, errors: 11 }]],
  ];

  it.each(refusals)('answer %i %s', async (status, code, given) => {
    expect(await codeOf(call(...given))).toEqual([status, code]);
  });

  it('change in what is said, and keep the rest; null takes away; what changes nothing leaves no entry', async () => {
    const before = await get('fraud');
    const changed = await call('PATCH', '/observed-endpoints/fraud', { version: '5', model: null });
    expect([changed.statusCode, changed.json()]).toEqual([200, { ...before, version: '5', model: null }]);
    expect(room.entries.at(-1)).toMatchObject({ action: 'endpoint.observe', ctx: { fields: ['model', 'version'] } });
    const [count, at] = [room.entries.length, await epoch()];
    expect((await call('PATCH', '/observed-endpoints/fraud', { version: '5' })).statusCode).toBe(200);
    expect([room.entries.length, await epoch()]).toEqual([count, at]);
  });

  it('keep the newest observation, and answer an older one with what is there', async () => {
    const push = async (body: object) => await call('POST', '/observed-endpoints/fraud/observations', body);
    expect((await push({ ...observation, p95Ms: 12.5 })).json<Observed>().observation).toEqual({
      ...observation,
      p95Ms: 12.5,
    });
    const count = entries.length;
    expect(entries.at(-1)).toMatchObject({ action: 'endpoint.report', ctx: { requests: 10, errors: 1 } });
    const older = await push({ ...observation, until: '2026-01-01T12:00:00Z', requests: 3 });
    expect([older.statusCode, older.json<Observed>().observation?.requests]).toEqual([200, 10]);
    expect(entries.length).toBe(count);
    const newer = { ...observation, until: '2026-01-03T00:00:00Z', requests: 30 };
    expect((await push(newer)).json<Observed>().observation).toEqual(newer);
  });

  describe('in an import', () => {
    const items = [
      { name: 'one', platform: 'kserve', location: 'a/one', description: 'first' },
      { name: 'two', platform: 'seldon' },
    ];
    const results = (answer: ImportResult) =>
      answer.items.map(({ name, result, problem }) => [name, result, problem?.code]);

    it('are added, then unchanged, then updated where something differs', async () => {
      expect(results(await importAs({ source: 'csv', items }))).toEqual([
        ['one', 'added', undefined],
        ['two', 'added', undefined],
      ]);
      const [count, at] = [room.entries.length, await epoch()];
      expect(results(await importAs({ source: 'csv', items }))).toEqual([
        ['one', 'unchanged', undefined],
        ['two', 'unchanged', undefined],
      ]);
      expect([room.entries.length, await epoch()]).toEqual([count, at]);
      const [one] = items;
      expect(results(await importAs({ source: 'manifest', items: [{ ...one, location: 'b/one' }] }))).toEqual([
        ['one', 'updated', undefined],
      ]);
      expect(await get('one')).toMatchObject({ location: 'b/one', source: 'manifest' });
    });

    it('lose nothing that the source does not say', async () => {
      await importAs({ source: 'csv', items: [{ name: 'one', platform: 'kserve' }] });
      expect(await get('one')).toMatchObject({ location: 'b/one', source: 'manifest' });
      expect((await room.deployments.getEndpoint(ana, 'one')).description).toBe('first');
    });

    it('are only looked at in a dry run', async () => {
      const at = await epoch();
      const told = await importAs({
        source: 'csv',
        dryRun: true,
        items: [
          { name: 'three', platform: 'x' },
          { name: 'one', platform: 'other' },
        ],
      });
      expect(results(told)).toEqual([
        ['three', 'added', undefined],
        ['one', 'updated', undefined],
      ]);
      expect(await codeOf(call('GET', '/observed-endpoints/three'))).toEqual([404, 'endpoint_not_found']);
      expect((await get('one')).platform).toBe('kserve');
      expect(await epoch()).toBe(at);
    });

    it('are refused one by one, and the others go on', async () => {
      const told = await importAs({
        source: 'csv',
        items: [
          { name: 'served', platform: 'x' },
          { name: 'four', team: 'none', platform: 'x' },
          { name: 'risky', platform: 'x' },
          { name: 'hidden', team: 'risk', platform: 'x' },
          { name: 'five', platform: 'x', probe: 'http://other.example.org/' },
          { name: 'six', platform: 'x', useCase: 'none' },
          { name: 'seven', platform: 'x' },
          { name: 'seven', platform: 'y' },
        ],
      });
      expect(results(told)).toEqual([
        ['served', 'refused', 'endpoint_served'],
        ['four', 'refused', 'team_not_found'],
        ['risky', 'refused', 'endpoint_exists'],
        ['hidden', 'refused', 'team_not_found'],
        ['five', 'refused', 'probe_not_allowed'],
        ['six', 'refused', 'usecase_not_found'],
        ['seven', 'added', undefined],
        ['seven', 'refused', 'invalid_request'],
      ]);
      expect(told.items[1]?.problem).toEqual({
        code: 'team_not_found',
        detail: 'there is no team none',
        remedy: told.items[3]?.problem?.remedy,
      });
      expect(told.items[3]?.problem?.detail).toBe('there is no team risk');
      expect((await get('seven')).platform).toBe('x');
    });

    it('stay in their team, and are not changed by who may only look', async () => {
      expect(results(await importAs({ source: 'csv', items: [{ name: 'one', platform: 'z' }] }, 'eve'))).toEqual([
        ['one', 'refused', 'not_allowed'],
      ]);
      expect(results(await importAs({ source: 'csv', items: [{ name: 'one', team: 'risk', platform: 'z' }] }))).toEqual(
        [['one', 'refused', 'endpoint_exists']],
      );
      expect((await get('one')).platform).toBe('kserve');
    });
  });

  it('are gone when their endpoint is deleted, and the name is free for another', async () => {
    await room.deployments.deleteEndpoint(ana, 'fraud');
    expect(await codeOf(call('GET', '/observed-endpoints/fraud'))).toEqual([404, 'endpoint_not_found']);
    const again = await call('POST', '/observed-endpoints', { name: 'fraud', platform: 'triton' });
    expect(again.json()).toMatchObject({ platform: 'triton', observation: null, probe: null });
  });
});
