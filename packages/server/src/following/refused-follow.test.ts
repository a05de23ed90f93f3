import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { MusterError, type Version, servingSettingsSchema } from '@muster-ml/protocol';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type TestDatabase, openTestDatabase } from '../../test-support/database.ts';
import {
  type DeploymentsRoom,
  callerOf,
  openDeploymentsRoom,
} from '../../test-support/deployments/deployments-room.ts';
import { decidingIdentity } from '../../test-support/identity.ts';
import { createLedger } from '../ledger/index.ts';
import { systemClock } from '../platform/clock/index.ts';
import { type FollowRecord, retryMs } from './follow.ts';
import { lookAtAlias } from './look-at-alias.ts';
import type { FollowingParts } from './parts.ts';
import { followStore } from './store.ts';

const ana = callerOf('default');
let opened: TestDatabase;
let room: DeploymentsRoom;
let close: () => void;
let url: string;

/** An MLflow server whose `churn@champion` is version 7. */
beforeEach(async () => {
  opened = await openTestDatabase('sqlite');
  room = await openDeploymentsRoom(opened.database);
  const server = createServer((request, response) => {
    const isAlias = request.url?.includes('/registered-models/alias') === true;
    const model_version = { name: 'churn', version: '7', source: 's', run_id: 'r', aliases: ['champion'] };
    response.end(JSON.stringify(isAlias ? { model_version } : { artifact_uri: 'mlflow-artifacts:/x' }));
  });
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  close = () => {
    server.closeAllConnections();
    server.close();
  };
});
afterEach(async () => {
  close();
  await room.deployments.reconciler.drain();
  await opened.close();
});

test('an alias that moves to what was not approved is a problem that is shown, and tried again until it was', async () => {
  const settings = servingSettingsSchema.parse({});
  await room.ended(await room.deployments.deploy(ana, 'churn', { model: 'm', version: 1, role: 'live', settings }));
  let now = Date.now() + 1000;
  const lineage = { source: 'mlflow', server: url, model: 'churn', version: '7', alias: 'champion', runId: 'r' };
  const copied = { number: 2, lineage } as unknown as Version;
  const never = async () => await Promise.reject(new MusterError('internal_error', 'nothing is copied here'));
  const parts: FollowingParts = {
    database: opened.database,
    objects: { put: never },
    ledger: createLedger({ clock: systemClock }),
    identity: { ...decidingIdentity(), actorById: async () => await Promise.resolve(ana.actor) },
    operations: room.operations,
    registry: {
      createModel: never,
      registerVersion: never,
      listVersions: async () => await Promise.resolve({ items: [copied] }),
      getVersion: async () => await Promise.resolve({ number: 1, lineage: null } as unknown as Version),
    },
    deployments: room.deployments,
    store: followStore,
    clock: { ...systemClock, now: () => now },
    servers: [{ url }],
    everyMs: 1000,
    maxModelBytes: 1,
    softwareVersion: 'test',
    onError: () => undefined,
  };
  const follow: FollowRecord = {
    endpoint: 'churn',
    team: 'default',
    server: url,
    sourceModel: 'churn',
    alias: 'champion',
    model: 'm',
    version: '6',
    failedVersion: null,
    retryAt: null,
    problem: null,
    checkedAt: null,
    setAt: now,
    setBy: 'ana',
  };
  const look = async (of: FollowRecord): Promise<FollowRecord> => ({
    ...of,
    ...(await lookAtAlias(parts, of, AbortSignal.timeout(10_000))),
  });
  const live = async () =>
    (await room.deployments.getEndpoint(ana, 'churn')).deployments.find(({ role }) => role === 'live')?.version;

  room.standings.isRefused = true;
  const refused = await look(follow);
  expect(refused).toMatchObject({ version: '6', failedVersion: '7', problem: { code: 'standing_required' } });
  expect(await live()).toBe(1);
  room.standings.isRefused = false;
  expect(await look(refused)).toMatchObject({ version: '6', problem: { code: 'standing_required' } });
  now += retryMs;
  expect(await look(refused)).toMatchObject({ version: '7', failedVersion: null, problem: null });
  expect(await live()).toBe(2);
});
