import {
  type DeployRequest,
  MusterError,
  type Operation,
  deploySchema,
  drillSettingsSchema,
  startDrillSchema,
} from '@muster-ml/protocol';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type TestDatabase, databaseKinds, openTestDatabase } from '../../test-support/database.ts';
import {
  type DeploymentsRoom,
  callerOf,
  openDeploymentsRoom,
} from '../../test-support/deployments/deployments-room.ts';
import { callerWith, decidingIdentity } from '../../test-support/identity.ts';
import type { Caller } from '../identity/index.ts';
import type { NewNotification } from '../notifications/index.ts';
import { createIds, systemClock } from '../platform/clock/index.ts';
import { createDrillHold } from '../readiness/drill-hold.ts';
import type { NewEvidence } from '../readiness/index.ts';
import { type Drills, createDrills } from './drills.ts';

import type { LoadFound } from './load/load-task.ts';
import type { StartLoad } from './load/load-thread.ts';
import { dayMs } from './schedule.ts';

const ana = callerOf('default');
const objective = { latencyMs: 200, percentile: 95, errorPercent: 1, requestsPerSecond: 20 };
const fast: LoadFound = {
  requests: 100,
  failed: 0,
  errorPercent: 0,
  requestsPerSecond: 20,
  latency: { p50Ms: 1, p90Ms: 2, p95Ms: 3.456, p99Ms: 4 },
  failures: [],
};

describe.each(databaseKinds)('drills on %s', (kind) => {
  let opened: TestDatabase;
  let room: DeploymentsRoom;
  let drills: Drills;
  let found: LoadFound;
  let actor: (id: string) => Promise<Caller['actor']>;
  let now: number;
  let tokens: string[];
  let evidence: NewEvidence[];
  let told: NewNotification[];

  /** Load that is answered by whatever is live. */
  const twinLoad: StartLoad = (task, signal) => {
    const done = Promise.withResolvers<LoadFound>();
    done.promise.catch(() => {});
    signal.addEventListener('abort', () => done.reject(signal.reason), { once: true });
    if (!task.isOpenEnded) done.resolve(found);
    let answered = 0;
    const byVersion: Record<string, number> = {};
    return {
      begun: Promise.resolve(),
      done: done.promise,
      now() {
        const routed = room.fleet.table()?.endpoints.find(({ name }) => name === task.endpoint);
        const version = routed?.deployments[0]?.version ?? '';
        answered += 3;
        byVersion[version] = (byVersion[version] ?? 0) + 3;
        return { requests: answered, answered, failed: 0, byVersion: { ...byVersion } };
      },
      end: () => done.resolve(found),
    };
  };

  function open(): Drills {
    const { database } = opened;
    return createDrills({
      database,
      identity: { ...decidingIdentity(), actorById: async (id) => await actor(id) },
      ledger: { append: async (_tx, entry) => await Promise.resolve(room.entries.push(entry)) },
      operations: room.operations,
      deployments: room.deployments,
      runtimeHost: {
        observed: () => room.fleet.runtimeHost.observed(),
        endRunner: async (id) => {
          const runner = room.fleet.runtimeHost.observed().find((one) => one.id === id);
          room.fleet.kill(runner?.replicas[0]?.id ?? '');
          await Promise.resolve();
        },
      },
      objects: { localFile: async (digest) => await Promise.resolve(`/objects/${digest}`) },
      tokens: {
        make: async (_caller, { endpoint }) => {
          tokens.push(endpoint.name);
          return await Promise.resolve({ id: endpoint.name, token: 't' });
        },
        end: async (_caller, id) => {
          tokens.splice(tokens.indexOf(id), 1);
          await Promise.resolve();
        },
      },
      hold: createDrillHold(),
      recordEvidence: async (_tx, _caller, one) => await Promise.resolve(`evidence-${evidence.push(one)}`),
      notify: async (_tx, one) => {
        told.push(one);
        await Promise.resolve();
      },
      gateway: { url: 'http://localhost:1', certificateFile: undefined },
      startLoad: twinLoad,
      clock: { ...systemClock, now: () => now },
      newId: createIds(systemClock),
      lookMs: 1000,
      onError: (error) => room.errors.push(error),
    });
  }

  beforeEach(async () => {
    opened = await openTestDatabase(kind);
    room = await openDeploymentsRoom(opened.database);
    [found, tokens, evidence, told, now] = [fast, [], [], [], Date.now()];
    actor = async () => await Promise.resolve(ana.actor);
    drills = open();
    await deploy(1);
  });
  afterEach(async () => {
    drills.drain();
    await room.operations.drain();
    await room.deployments.reconciler.drain();
    await opened.close();
  });

  const deploy = async (version: number, more: Partial<DeployRequest> = {}): Promise<Operation> =>
    await room.ended(await room.deployments.deploy(ana, 'e', deploySchema.parse({ model: 'm', version, ...more })));
  const promise = async (): Promise<void> =>
    void (await room.deployments.updateEndpoint(ana, 'e', { objective }, undefined));
  const wish = (of: 'load' | 'failover' | 'rollback', more: object = {}) =>
    startDrillSchema.parse({ kind: of, seconds: 2, ...more });
  const drill = async (of: 'load' | 'failover' | 'rollback'): Promise<Operation> =>
    await room.ended(await drills.startDrill(ana, 'e', wish(of)));
  const live = async () =>
    (await room.deployments.getEndpoint(ana, 'e')).deployments
      .filter(({ role, state }) => role === 'live' && state === 'ready')
      .map(({ model, version, settings }) => ({ model, version, settings }));

  it('records what it found as evidence, and ends the token that it used', async () => {
    await promise();
    expect(await drill('load')).toMatchObject({
      state: 'succeeded',
      result: { passed: true, model: 'm', version: 1, evidence: 'evidence-1', figures: { p95Ms: 3.46, failed: 0 } },
    });
    expect(evidence).toMatchObject([{ check: 'R20', source: 'drill', passed: true, model: 'm', version: 1 }]);
    expect(tokens).toEqual([]);
    expect(told).toEqual([]);
    expect(room.entries.some(({ action, ctx }) => action === 'drill.run' && ctx?.['drill'] === 'load')).toBe(true);
  });

  it('tells people when the endpoint did not hold, with what was missed', async () => {
    await promise();
    found = { ...fast, failed: 5, errorPercent: 5, failures: [{ why: '429 rate_exceeded', count: 5 }] };
    expect(await drill('load')).toMatchObject({
      state: 'succeeded',
      result: { passed: false, summary: '5 % failed, and at most 1 % may (429 rate_exceeded)' },
    });
    expect(evidence).toMatchObject([{ passed: false }]);
    expect(told).toMatchObject([{ event: 'drill.failed', endpoint: 'e' }]);
  });

  it('refuses what says nothing: no objective, less load than it names, nothing that is ready', async () => {
    await expect(drills.startDrill(ana, 'e', wish('load'))).rejects.toMatchObject({
      code: 'drill_impossible',
      remedy: 'Say what callers may count on: muster endpoint update e --objective "p95<200ms@20rps,errors<1%"',
    });
    await promise();
    await expect(drills.startDrill(ana, 'e', wish('load', { requestsPerSecond: 5 }))).rejects.toMatchObject({
      code: 'invalid_request',
      place: 'body.requestsPerSecond',
    });
    room.fleet.behave('m-1', 'unready');
    await expect(drills.startDrill(ana, 'e', wish('failover'))).rejects.toMatchObject({ code: 'drill_impossible' });
  });

  it('is for those who may run drills and may do themselves what the drill does', async () => {
    await promise();
    await expect(drills.startDrill(callerOf('default', false), 'e', wish('load'))).rejects.toMatchObject({
      code: 'not_allowed',
    });
    await expect(drills.startDrill(callerOf('risk'), 'e', wish('load'))).rejects.toMatchObject({
      code: 'endpoint_not_found',
    });
    const narrow = callerWith({ ...ana.actor, token: { actions: ['drill.run', 'endpoint.read', 'endpoint.predict'] } });
    await expect(drills.startDrill(narrow, 'e', wish('rollback'))).rejects.toMatchObject({ code: 'not_allowed' });
    expect((await room.ended(await drills.startDrill(narrow, 'e', wish('load')))).state).toBe('succeeded');
  });

  it('a death on purpose is counted against nobody, however often', async () => {
    await deploy(1, {
      settings: deploySchema.parse({ model: 'm', version: 1, settings: { ownRunner: true } }).settings,
    });
    for (let times = 0; times < 6; times++)
      expect(await drill('failover')).toMatchObject({ state: 'succeeded', result: { passed: true } });
    expect(await live()).toHaveLength(1);
  });

  it('rolls back to what was live before and returns with the same settings', async () => {
    await deploy(2, { settings: deploySchema.parse({ model: 'm', version: 2, settings: { replicas: 2 } }).settings });
    const before = await live();
    expect(await drill('rollback')).toMatchObject({
      state: 'succeeded',
      result: { passed: true, figures: { way: 'previous', fromVersion: 2, toVersion: 1 } },
    });
    expect(await live()).toEqual(before);
  });

  it('returns also where callers of the version before would miss something', async () => {
    await deploy(60, { force: 'e' });
    expect(await drill('rollback')).toMatchObject({ state: 'succeeded', result: { figures: { toVersion: 1 } } });
    expect(await live()).toMatchObject([{ version: 60 }]);
  });

  it('a version before that does not come back is found, and what was live is live', async () => {
    await deploy(2);
    room.fleet.behave('m-1', 'failed', 'program_failed');
    expect(await drill('rollback')).toMatchObject({ state: 'succeeded', result: { passed: false } });
    expect(evidence).toMatchObject([{ check: 'R22', passed: false, version: 2 }]);
    expect(await live()).toMatchObject([{ version: 2 }]);
  });

  it('leaves what somebody else has deployed meanwhile', async () => {
    await deploy(2);
    room.fleet.behave('m-1', 'loading');
    const operation = await drills.startDrill(ana, 'e', wish('rollback'));
    const isGoingBack = async (): Promise<boolean> =>
      (await room.deployments.getEndpoint(ana, 'e')).deployments.some(({ state }) => state === 'starting');
    await expect.poll(isGoingBack).toBe(true);
    const ben = callerWith({ ...ana.actor, id: 'ben' });
    await room.ended(await room.deployments.deploy(ben, 'e', deploySchema.parse({ model: 'm', version: 3 })));
    expect(await room.ended(operation)).toMatchObject({ state: 'failed', problem: { code: 'superseded' } });
    expect(await live()).toMatchObject([{ version: 3 }]);
    expect(evidence).toEqual([]);
  });

  it('does what is due in the name of who set it, and says how it went', async () => {
    const settings = drillSettingsSchema.parse({ seconds: 2 });
    await promise();
    const set = await drills.setSchedule(ana, 'e', 'load', { everyDays: 30, settings });
    expect(Date.parse(set.nextAt) - now).toBeLessThanOrEqual(dayMs);
    await drills.doDue();
    expect(evidence).toEqual([]);
    now += dayMs;
    await drills.doDue();
    expect(evidence).toMatchObject([{ check: 'R20' }]);
    const [done] = (await drills.listSchedules(ana, 'e', { limit: 10 })).items;
    expect(done).toMatchObject({ lastAt: new Date(now).toISOString(), everyDays: 30 });
    expect(done?.lastOutcome).toMatch(/^passed: p95 was 3\.46 ms/);
    const nextMs = Date.parse(done?.nextAt ?? '') - now;
    expect(nextMs).toBeLessThanOrEqual(30 * dayMs);
    expect(nextMs).toBeGreaterThan(28 * dayMs);
  });

  it('one whose owner may not act any more is not done, tells people, and is tried the next day', async () => {
    await drills.setSchedule(ana, 'e', 'failover', { everyDays: 30, settings: drillSettingsSchema.parse({}) });
    actor = async () => await Promise.reject(new MusterError('token_invalid', 'there is no actor ana who may act'));
    now += dayMs;
    await drills.doDue();
    const [tried] = (await drills.listSchedules(ana, 'e', { limit: 10 })).items;
    expect(tried).toMatchObject({
      lastOutcome: 'not done: there is no actor ana who may act',
      nextAt: new Date(now + dayMs).toISOString(),
    });
    expect(told).toMatchObject([{ event: 'drill.failed', endpoint: 'e', team: 'default' }]);
    expect(evidence).toEqual([]);
  });

  it('lists schedules by kind in pages, ends them, and forgets those of deleted endpoints', async () => {
    for (const of of ['rollback', 'load'] as const)
      await drills.setSchedule(ana, 'e', of, { everyDays: 7, settings: drillSettingsSchema.parse({}) });
    const first = await drills.listSchedules(ana, 'e', { limit: 1 });
    expect(first).toMatchObject({ items: [{ kind: 'load' }], next: 'load' });
    const second = await drills.listSchedules(ana, 'e', { limit: 1, after: 'load' });
    expect(second.items).toMatchObject([{ kind: 'rollback', set: { by: { id: 'ana' } } }]);
    await drills.endSchedule(ana, 'e', 'load');
    await expect(drills.endSchedule(ana, 'e', 'load')).rejects.toMatchObject({ code: 'drill_schedule_not_found' });
    await room.deployments.deleteEndpoint(ana, 'e');
    now += 30 * dayMs;
    await drills.doDue();
    expect(told).toEqual([]);
    await drills.sweep();
  });
});
