import { type DeployRequest, type Endpoint, type Operation, deploySchema } from '@muster-ml/protocol';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type TestDatabase, databaseKinds, openTestDatabase } from '../../test-support/database.ts';
import { callerWith } from '../../test-support/identity.ts';
import { maker } from '../../test-support/registry.ts';
import {
  type DeploymentsRoom,
  callerOf,
  openDeploymentsRoom,
  until,
} from '../../test-support/deployments/deployments-room.ts';

const ana = callerOf('default');
const page = { limit: 100 };

describe.each(databaseKinds)('deployments on %s', (kind) => {
  let opened: TestDatabase;
  let room: DeploymentsRoom;
  beforeAll(async () => {
    opened = await openTestDatabase(kind);
    room = await openDeploymentsRoom(opened.database);
  });
  afterAll(async () => {
    await room.deployments.reconciler.drain();
    await opened.close();
  });

  const wish = (version: number, more: Partial<DeployRequest> = {}): DeployRequest =>
    deploySchema.parse({ model: 'm', version, ...more });
  const deploy = async (name: string, version: number, more: Partial<DeployRequest> = {}): Promise<Operation> =>
    await room.ended(await room.deployments.deploy(ana, name, wish(version, more)));
  const get = async (name: string): Promise<Endpoint> => await room.deployments.getEndpoint(ana, name);
  const live = async (name: string): Promise<number | undefined> =>
    (await get(name)).deployments.find(({ role, state }) => role === 'live' && state === 'ready')?.version;
  const routed = (name: string) => room.fleet.table()?.endpoints.find((endpoint) => endpoint.name === name);
  const loaded = (version: string): boolean =>
    room.fleet.wishes().some((runner) => runner.replicas.some(({ digest }) => digest === version));

  it('makes an endpoint that answers, and says who did it', async () => {
    expect(await deploy('first', 1)).toMatchObject({
      state: 'succeeded',
      result: { endpoint: 'first', model: 'm', version: 1, role: 'live' },
    });
    expect(await get('first')).toMatchObject({
      team: 'default',
      standing: 'deployed',
      ready: true,
      previous: null,
      revision: 1,
      deployments: [{ state: 'ready', sharePercent: 100, replicas: [{ state: 'ready' }] }],
    });
    expect(routed('first')?.deployments).toMatchObject([{ role: 'live', version: '1', replicas: [{}] }]);
    expect(room.entries.map((entry) => [entry.actor.id, entry.action])).toEqual(
      expect.arrayContaining([
        ['ana', 'endpoint.deploy'],
        ['reconciler', 'system.deployment.serving'],
      ]),
    );
  });

  it('replaces the live version, releases the old one and brings it back on rollback', async () => {
    await deploy('rolled', 11);
    await deploy('rolled', 12);
    await until('the old version is released', () => !loaded('m-11'));
    expect(await get('rolled')).toMatchObject({ previous: { model: 'm', version: 11 } });
    expect(await room.ended(await room.deployments.rollback(ana, 'rolled', {}))).toMatchObject({
      state: 'succeeded',
      result: { version: 11 },
    });
    expect(await live('rolled')).toBe(11);
    await expect(room.deployments.rollback(ana, 'rolled', {})).rejects.toMatchObject({ code: 'nothing_to_roll_back' });
  });

  it('goes one version further back with each rollback', async () => {
    for (const version of [1, 2, 3]) await deploy('stack', version);
    for (const version of [2, 1]) {
      await room.ended(await room.deployments.rollback(ana, 'stack', {}));
      expect(await live('stack')).toBe(version);
    }
  });

  it('keeps the old version when the new one fails to load, with the reason', async () => {
    await deploy('broken', 1);
    room.fleet.behave('m-21', 'failed');
    expect(await deploy('broken', 21)).toMatchObject({
      state: 'failed',
      problem: { code: 'deployment_failed', detail: 'm:21 as live did not become ready: the file is cut off' },
    });
    expect(await live('broken')).toBe(1);
    expect(await get('broken')).toMatchObject({
      ready: true,
      deployments: [
        { version: 1, state: 'ready' },
        { version: 21, state: 'failed', replicas: [] },
      ],
    });
    expect(routed('broken')?.deployments).toMatchObject([{ version: '1' }]);
    await deploy('broken', 2);
    expect((await get('broken')).deployments.filter(({ state }) => state === 'failed')).toEqual([]);
  });

  it('gives an unfinished wish up for a newer one of the same role', async () => {
    room.fleet.behave('m-31', 'loading');
    const older = await room.deployments.deploy(ana, 'newer', wish(31));
    await until('it loads', () => loaded('m-31'));
    expect(await deploy('newer', 1)).toMatchObject({ state: 'succeeded' });
    expect(await room.ended(older)).toMatchObject({ state: 'failed', problem: { code: 'superseded' } });
    await until('it is not loaded any more', () => !loaded('m-31'));
  });

  it('a canary that lost its replicas before anything was live gets no share until it answers again', async () => {
    room.fleet.behave('m-33', 'loading');
    await room.deployments.deploy(ana, 'lost', wish(33));
    await room.deployments.deploy(ana, 'lost', wish(34, { role: 'canary', sharePercent: 20 }));
    const canary = async () => (await get('lost')).deployments.find(({ role }) => role === 'canary');
    await until('the canary is ready', async () => (await canary())?.state === 'ready');
    room.fleet.behave('m-34', 'failed', 'program_failed');
    await until('its replica is gone', async () => (await canary())?.replicas.length === 0);
    room.fleet.behave('m-34', 'loading');
    await until('it loads again', async () => (await canary())?.replicas.length === 1);
    const shares = () => routed('lost')?.deployments.map(({ role, sharePercent }) => [role, sharePercent]);
    expect(shares()).toEqual([]);
    room.fleet.behave('m-33', 'ready');
    await until('the live one is routed', () => shares()?.length === 1);
    expect(shares()).toEqual([['live', 100]]);
    room.fleet.behave('m-34', 'ready');
    await until('both are routed', () => shares()?.length === 2);
    expect(shares()).toEqual([
      ['live', 80],
      ['canary', 20],
    ]);
  });

  it('aborts an unfinished roll-out on rollback, and on cancel', async () => {
    room.fleet.behave('m-32', 'loading');
    await deploy('abort', 1);
    const unfinished = await room.deployments.deploy(ana, 'abort', wish(32));
    expect(await room.ended(await room.deployments.rollback(ana, 'abort', {}))).toMatchObject({
      state: 'succeeded',
      result: { version: 1 },
    });
    expect(await room.ended(unfinished)).toMatchObject({ problem: { code: 'superseded' } });
    const again = await room.deployments.deploy(ana, 'abort', wish(32));
    expect(await room.operations.cancel(again.id)).toMatchObject({ state: 'cancelled' });
    expect((await get('abort')).deployments).toMatchObject([{ version: 1, state: 'ready' }]);
  });

  it('gives a canary its share, changes it without a reload, and promotes it warm', async () => {
    await deploy('canary', 1);
    await deploy('canary', 2, { role: 'canary', sharePercent: 12.5 });
    expect(routed('canary')?.deployments).toMatchObject([
      { role: 'live', sharePercent: 87.5, version: '1' },
      { role: 'canary', sharePercent: 12.5, version: '2' },
    ]);
    const replica = routed('canary')?.deployments[1]?.replicas[0]?.id;
    await deploy('canary', 2, { role: 'canary', sharePercent: 40 });
    expect(routed('canary')?.deployments).toMatchObject([
      { sharePercent: 60 },
      { sharePercent: 40, replicas: [{ id: replica }] },
    ]);
    expect(await room.ended(await room.deployments.promote(ana, 'canary'))).toMatchObject({
      state: 'succeeded',
      result: { role: 'live', version: 2 },
    });
    expect(routed('canary')?.deployments).toMatchObject([
      { role: 'live', sharePercent: 100, version: '2', replicas: [{ id: replica }] },
    ]);
    await expect(room.deployments.promote(ana, 'canary')).rejects.toMatchObject({ code: 'nothing_to_promote' });
  });

  it('sends a shadow copies, and ends it without touching live', async () => {
    await deploy('shadow', 1);
    await deploy('shadow', 2, { role: 'shadow' });
    expect(routed('shadow')?.deployments).toMatchObject([
      { role: 'live', sharePercent: 100 },
      { role: 'shadow', sharePercent: 100 },
    ]);
    const [main, shadow] = (await get('shadow')).deployments;
    await expect(room.deployments.endDeployment(ana, 'shadow', main?.id ?? '')).rejects.toMatchObject({
      code: 'deployment_is_live',
    });
    await room.deployments.endDeployment(ana, 'shadow', shadow?.id ?? '');
    await until('the shadow is gone', async () => (await get('shadow')).deployments.length === 1);
    await expect(room.deployments.endDeployment(ana, 'shadow', 'nope')).rejects.toMatchObject({
      code: 'deployment_not_found',
    });
  });

  it('needs something live beside a canary', async () => {
    await expect(
      room.deployments.deploy(ana, 'alone', wish(1, { role: 'canary', sharePercent: 5 })),
    ).rejects.toMatchObject({ code: 'nothing_live' });
    await expect(get('alone')).rejects.toMatchObject({ code: 'endpoint_not_found' });
  });

  it('refuses what would break callers, for every role, with the differences, unless it is forced by name', async () => {
    await deploy('contract', 1);
    for (const more of [{}, { role: 'canary', sharePercent: 5 }, { role: 'shadow' }] as const) {
      await expect(room.deployments.deploy(ana, 'contract', wish(50, more))).rejects.toMatchObject({
        code: 'signature_breaks_callers',
        details: {
          differences: [
            { part: 'input', name: 'x', change: 'is gone' },
            { part: 'input', name: 'other', change: 'is new and required' },
          ],
        },
      });
    }
    await expect(room.deployments.deploy(ana, 'contract', wish(50, { force: 'another' }))).rejects.toMatchObject({
      code: 'invalid_request',
    });
    expect(await deploy('contract', 50, { force: 'contract' })).toMatchObject({ state: 'succeeded' });
  });

  it('quarantines what keeps crashing: live says so, and only force deploys it again', async () => {
    await deploy('crashing', 41);
    const [target] = routed('crashing')?.deployments ?? [];
    const incident = {
      at: Date.now(),
      deployment: target?.id ?? '',
      replica: target?.replicas[0]?.id ?? '',
      kind: 'confirmed',
    } as const;
    room.fleet.report([incident, incident]);
    await until('it has a runner of its own', () =>
      room.fleet
        .wishes()
        .some((runner) => runner.kind === 'own' && runner.replicas.some(({ digest }) => digest === 'm-41')),
    );
    room.fleet.report([incident]);
    await until('it is quarantined', () => routed('crashing')?.deployments[0]?.quarantined !== undefined);
    await until('its replicas are released', () => !loaded('m-41'));
    expect(await get('crashing')).toMatchObject({
      ready: false,
      standing: 'not deployed',
      deployments: [{ state: 'quarantined' }],
    });
    await expect(room.deployments.deploy(ana, 'elsewhere', wish(41))).rejects.toMatchObject({
      code: 'version_quarantined',
    });
    expect(await deploy('crashing', 41, { force: 'crashing' })).toMatchObject({ state: 'succeeded' });
  });

  it('quarantines what kills its own runner again and again', async () => {
    await deploy('deadly', 42, { settings: deploySchema.shape.settings.parse({ ownRunner: true }) });
    const replica = routed('deadly')?.deployments[0]?.replicas[0]?.id ?? '';
    for (let death = 0; death < 5; death++) room.fleet.kill(replica);
    await until('it is quarantined', () => routed('deadly')?.deployments[0]?.quarantined !== undefined);
    expect((await room.deployments.listEvents(ana, 'deadly', page)).items[0]).toMatchObject({
      level: 'error',
      what: 'quarantined',
    });
  });

  it('is ready only while every replica answers', async () => {
    await deploy('readiness', 43);
    room.fleet.behave('m-43', 'unready');
    await until(
      'it says that it does not answer',
      async () => (await get('readiness')).deployments[0]?.state === 'unready',
    );
    expect(routed('readiness')?.deployments).toHaveLength(1);
    expect((await get('readiness')).ready).toBe(false);
    const events = async () =>
      (await room.deployments.listEvents(ana, 'readiness', page)).items.map(({ what }) => what);
    await until('it is noted', async () => (await events())[0] === 'unready');
    room.fleet.behave('m-43', 'ready');
    await until('it answers again', async () => (await get('readiness')).ready && (await events())[0] === 'ready');
    expect(await events()).toEqual(['ready', 'unready', 'ready', 'deploy', 'created']);
  });

  it('updates by revision, and the limits reach the gateways', async () => {
    await deploy('updated', 1);
    const updated = await room.deployments.updateEndpoint(
      ana,
      'updated',
      { description: 'new', limits: { queue: 7 } },
      1,
    );
    expect(updated).toMatchObject({ revision: 2, description: 'new', limits: { queue: 7, timeoutMs: 10_000 } });
    await expect(room.deployments.updateEndpoint(ana, 'updated', {}, 1)).rejects.toMatchObject({
      code: 'stale_revision',
    });
    await until('the table has it', () => routed('updated')?.queue === 7);
  });

  it('deletes an endpoint: its name is free at once, its replicas go when nobody uses them', async () => {
    await deploy('deleted', 44);
    await room.deployments.deleteEndpoint(ana, 'deleted');
    await expect(get('deleted')).rejects.toMatchObject({ code: 'endpoint_not_found' });
    await until('it is not routed', () => routed('deleted') === undefined);
    await until('it is released', () => !loaded('m-44'));
    expect(await deploy('deleted', 1)).toMatchObject({ state: 'succeeded' });
    expect((await get('deleted')).previous).toBeNull();
    expect(room.endpointsEnded).toEqual(['deleted']);
  });

  it('what the caller may not see does not exist, and its name is taken without a word more', async () => {
    const sam = callerOf('risk');
    const attempts = [
      async () => await room.deployments.promote(sam, 'first'),
      async () => await room.deployments.rollback(sam, 'first', {}),
      async () => await room.deployments.updateEndpoint(sam, 'first', {}, undefined),
      async () => await room.deployments.endDeployment(sam, 'first', 'x'),
      async () => await room.deployments.deleteEndpoint(sam, 'first'),
      async () => await room.deployments.getEndpoint(sam, 'first'),
      async () => await room.deployments.servedEndpoint(sam, 'endpoint.score', 'first'),
      async () => await room.deployments.listEvents(sam, 'first', page),
    ];
    for (const attempt of attempts) await expect(attempt()).rejects.toMatchObject({ code: 'endpoint_not_found' });
    await expect(room.deployments.deploy(sam, 'first', wish(1, { team: 'risk' }))).rejects.toMatchObject({
      code: 'endpoint_exists',
      message: 'the name first is taken',
    });
    await expect(room.deployments.deploy(sam, 'mine', wish(1))).rejects.toMatchObject({ code: 'team_not_found' });
  });

  it('counts for an actor only what it sees: its teams, and endpoints that it may call', async () => {
    const counted = async (given: Parameters<typeof callerWith>[0]) =>
      (await room.deployments.countEndpoints(callerWith(given))).endpoints;
    expect(await counted({ teams: { risk: ['viewer'] } })).toBe(0);
    expect(await counted({ granted: ['first', 'gone'] })).toBe(1);
    expect(await counted({ granted: ['first'], token: { actions: ['self.read'] } })).toBe(0);
    expect(await counted({ teams: { default: maker }, token: { resources: ['endpoint/first'] } })).toBe(1);
    expect(await counted({ platformRoles: ['auditor'] })).toBeGreaterThan(1);
  });

  it('shows an actor only the endpoints of the teams that it sees, page by page', async () => {
    const both = callerWith({ id: 'ana', teams: { default: maker, risk: maker } });
    await room.ended(await room.deployments.deploy(both, 'risky', wish(1, { team: 'risk' })));
    expect((await room.deployments.listEndpoints(callerOf('risk'), page)).items.map(({ name }) => name)).toEqual([
      'risky',
    ]);
    const names: string[] = [];
    let after: string | undefined;
    do {
      const { items, next } = await room.deployments.listEndpoints(ana, {
        limit: 3,
        ...(after === undefined ? {} : { after }),
      });
      names.push(...items.map(({ name }) => name));
      after = next;
    } while (after !== undefined);
    expect(names).toEqual(names.toSorted());
    expect(names).toContain('canary');
    expect(names).not.toContain('risky');
  });

  it('does nothing for who may not, and names what does not exist', async () => {
    const eve = callerOf('default', false);
    const attempts = [
      async () => await room.deployments.deploy(eve, 'first', wish(2)),
      async () => await room.deployments.promote(eve, 'first'),
      async () => await room.deployments.rollback(eve, 'first', {}),
      async () => await room.deployments.updateEndpoint(eve, 'first', {}, undefined),
      async () => await room.deployments.endDeployment(eve, 'first', 'x'),
      async () => await room.deployments.deleteEndpoint(eve, 'first'),
      async () => await room.deployments.listEvents(eve, 'first', page),
    ];
    for (const attempt of attempts) await expect(attempt()).rejects.toMatchObject({ code: 'not_allowed' });
    expect(await room.deployments.getEndpoint(eve, 'first')).toMatchObject({ name: 'first' });
    await expect(room.deployments.promote(ana, 'nope')).rejects.toMatchObject({ code: 'endpoint_not_found' });
    await expect(room.deployments.deploy(ana, 'first', wish(99))).rejects.toMatchObject({ code: 'version_not_found' });
    await expect(room.deployments.deploy(ana, 'teamless', wish(1, { team: 'ghosts' }))).rejects.toMatchObject({
      code: 'team_not_found',
    });
    expect(await live('first')).toBe(1);
  });

  it('has met no error that it did not foresee', () => {
    expect(room.errors).toEqual([]);
  });

  it('goes on after a restart: the same replicas on the same runners, and tables whose versions rise', async () => {
    const before = room.fleet.table();
    await until('nothing drains', () =>
      room.fleet
        .wishes()
        .every((runner) => runner.replicas.every(({ id }) => JSON.stringify(room.fleet.table()).includes(id))),
    );
    const runners = room.fleet
      .wishes()
      .map((runner) => [runner.id, runner.replicas.map(({ id }) => id).toSorted()] as const);
    await room.restart();
    await until('a newer table is published', () => (room.fleet.table()?.version ?? 0) > (before?.version ?? 0));
    await until('the host was told', () => room.fleet.wishes().length > 0);
    const sorted = (list: readonly (readonly [string, readonly string[]])[]) =>
      list.toSorted((a, b) => (a[0] < b[0] ? -1 : 1));
    expect(
      sorted(room.fleet.wishes().map((runner) => [runner.id, runner.replicas.map(({ id }) => id).toSorted()] as const)),
    ).toEqual(sorted(runners));
    expect(await deploy('first', 3)).toMatchObject({ state: 'succeeded' });
  });
});
