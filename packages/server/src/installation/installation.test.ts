import {
  type InstallationStatus,
  MusterError,
  type Operation,
  type ProcessStatus,
  toProblem,
} from '@muster-ml/protocol';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type TestDatabase, openTestDatabase } from '../../test-support/database.ts';
import { createInstantFleet } from '../../test-support/deployments/instant-fleet.ts';
import { callerWith, decidingIdentity, firstAdmin } from '../../test-support/identity.ts';
import { openTestObjects } from '../../test-support/objects.ts';
import { type TestApi, codeOf, openTestApi } from '../../test-support/test-api.ts';
import type { Caller } from '../identity/index.ts';
import { createIds, systemClock } from '../platform/clock/index.ts';
import { type Operations, createOperations } from '../platform/operations/index.ts';
import { createInstallation, installationRoutes } from './index.ts';

const callers: Readonly<Record<string, Caller>> = {
  root: firstAdmin(),
  audrey: callerWith({ id: 'audrey', platformRoles: ['auditor'] }),
  vic: callerWith({ id: 'vic', teams: { risk: ['viewer'] } }),
  owen: callerWith({ id: 'owen', teams: { risk: ['operator'] } }),
  sam: callerWith({ id: 'sam', teams: { other: ['operator'] } }),
  ned: callerWith({ id: 'ned' }),
  robot: callerWith({ id: 'robot', teams: { risk: ['operator'] }, token: { resources: ['endpoint/fraud'] } }),
};
const control: ProcessStatus = {
  role: 'control',
  id: 'control',
  state: 'running',
  pid: 12,
  startedAt: null,
  restarts: 0,
  memoryBytes: 1,
  detail: '/srv/muster/data',
};

describe('the installation as a whole', () => {
  let opened: TestDatabase;
  let store: Awaited<ReturnType<typeof openTestObjects>>;
  let operations: Operations;
  let api: TestApi;
  const ids: Record<'ofFraud' | 'ofNed' | 'ofAll', string> = { ofFraud: '', ofNed: '', ofAll: '' };

  beforeAll(async () => {
    opened = await openTestDatabase('sqlite');
    const { database } = opened;
    store = await openTestObjects(database);
    operations = createOperations({ database, clock: systemClock, newId: createIds(systemClock) });
    operations.onCancel('deploy', async (id) => {
      const problem = toProblem(new MusterError('operation_cancelled', 'it was cancelled'));
      await database.inTransaction(async (tx) => await operations.finish(tx, id, { state: 'cancelled', problem }));
    });
    const { runtimeHost } = createInstantFleet();
    const runner = { id: 'r1', team: 'risk', kind: 'own', runtime: 'onnx', limits: {}, replicas: [] } as const;
    await runtimeHost.want([runner]);
    const installation = createInstallation({
      identity: decidingIdentity(),
      database,
      objects: store.objects,
      operations,
      runtimeHost,
      clock: systemClock,
      softwareVersion: 'test',
      environment: 'dev',
      processes: () => [control],
      counts: async ({ actor }) =>
        await Promise.resolve({ models: Object.keys(actor.teams).length, endpoints: 0, ready: 0 }),
    });
    api = openTestApi(callers, installationRoutes(installation));
    await database.inTransaction(async (tx) => {
      const teams = tx.withTables<{ team: { name: string; created_at: number } }>().insertInto('team');
      await teams.values({ name: 'risk', created_at: 1 }).execute();
    });
    ids.ofFraud = await begin('deploy', 'endpoint/fraud', 'risk', 'owen');
    ids.ofNed = await begin('register-version', 'model/m', 'risk', 'ned');
    ids.ofAll = await begin('backup', 'installation', null, 'root');
  });
  afterAll(async () => {
    await api.close();
    await operations.drain();
    await store.close();
    await opened.close();
  });

  const begin = async (kind: Operation['kind'], subject: string, team: string | null, createdBy: string) =>
    await opened.database.inTransaction(
      async (tx) => (await operations.create(tx, { kind, subject, team, createdBy, input: {} })).id,
    );
  const ask = (who: string, path: string, method: 'GET' | 'POST' = 'GET') =>
    api.call(method, path, undefined, { authorization: who });
  const statusOf = async (who: string): Promise<InstallationStatus> => (await ask(who, '/status')).json();

  it('shows processes with their ids and details to who sees everything', async () => {
    for (const who of ['root', 'audrey'])
      expect((await statusOf(who)).processes).toMatchObject([control, { role: 'runner', id: 'r1', pid: 1 }]);
  });

  it('shows others that it runs, and nothing of runners, ids and folders', async () => {
    for (const who of ['owen', 'ned']) {
      const { processes } = await statusOf(who);
      expect(processes).toMatchObject([{ role: 'control', state: 'running', pid: null }]);
      expect(processes[0]).not.toHaveProperty('detail');
    }
    expect((await ask('robot', '/status')).statusCode).toBe(403);
  });

  it('counts what the caller sees', async () => {
    expect((await statusOf('owen')).counts.models).toBe(1);
    expect((await statusOf('ned')).counts.models).toBe(0);
  });

  it('an operation is there for its team, for whom it was made and for who sees everything', async () => {
    const seenBy = async (id: string): Promise<string[]> => {
      const seen: string[] = [];
      for (const who of Object.keys(callers))
        if ((await ask(who, `/operations/${id}`)).statusCode === 200) seen.push(who);
      return seen;
    };
    expect(await seenBy(ids.ofFraud)).toEqual(['root', 'audrey', 'vic', 'owen', 'robot']);
    expect(await seenBy(ids.ofNed)).toEqual(['root', 'audrey', 'vic', 'owen', 'ned']);
    expect(await seenBy(ids.ofAll)).toEqual(['root', 'audrey']);
  });

  it('one that is hidden is answered as one that is not there, also when it is watched or cancelled', async () => {
    const paths = [
      ['GET', ''],
      ['GET', '/events'],
      ['POST', '/cancel'],
    ] as const;
    for (const [method, path] of paths) {
      const hidden = await ask('sam', `/operations/${ids.ofFraud}${path}`, method);
      const none = await ask('sam', `/operations/none${path}`, method);
      expect(hidden.statusCode).toBe(404);
      const told = (answer: typeof none, id: string) =>
        answer.body.replaceAll(id, 'ID').replaceAll(/"requestId":"[^"]*"/g, '');
      expect(told(hidden, ids.ofFraud)).toEqual(told(none, 'none'));
    }
  });

  it('is cancelled by who may, and by whom it was made for', async () => {
    expect(await codeOf(ask('vic', `/operations/${ids.ofFraud}/cancel`, 'POST'))).toEqual([403, 'not_allowed']);
    expect(await codeOf(ask('audrey', `/operations/${ids.ofFraud}/cancel`, 'POST'))).toEqual([403, 'not_allowed']);
    expect((await ask('robot', `/operations/${ids.ofFraud}/cancel`, 'POST')).json()).toMatchObject({
      state: 'cancelled',
    });
    expect((await ask('ned', `/operations/${ids.ofNed}/cancel`, 'POST')).statusCode).toBe(200);
  });
});
