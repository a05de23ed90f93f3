import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type TestDatabase, openTestDatabase } from '../../test-support/database.ts';
import { until } from '../../test-support/deployments/deployments-room.ts';
import { type InstantFleet, createInstantFleet } from '../../test-support/deployments/instant-fleet.ts';
import { noSecrets } from '../../test-support/no-secrets.ts';
import type { GatewayGrants, Identity, TokenGrant } from '../identity/index.ts';
import { createLedger } from '../ledger/index.ts';
import { createIds, systemClock } from '../platform/clock/index.ts';
import { createOperations } from '../platform/operations/index.ts';
import { Reconciler, type ReconcilerTiming } from './reconciler.ts';
import { createDeploymentStore } from './store.ts';

const hour = 3_600_000;

/** What the tables of gateways say of who may call, when that changes. */
describe('who may call what', () => {
  let opened: TestDatabase;
  let reconciler: Reconciler;
  let fleet: InstantFleet;
  let grants: GatewayGrants = { tokens: [], limits: [] };
  let epoch = 1;
  let isBroken = false;
  let reads = 0;
  const listeners = new Set<() => void>();
  const identity: Pick<Identity, 'grants' | 'epoch' | 'onChange'> = {
    grants: async () => {
      reads += 1;
      if (isBroken) throw new Error('the database is away');
      return await Promise.resolve(grants);
    },
    epoch: async () => await Promise.resolve(epoch),
    onChange: (callback) => {
      listeners.add(callback);
      return () => listeners.delete(callback);
    },
  };

  beforeEach(async () => {
    opened = await openTestDatabase('sqlite');
    fleet = createInstantFleet();
    grants = { tokens: [], limits: [] };
    isBroken = false;
    reads = 0;
  });
  afterEach(async () => {
    await reconciler.drain();
    await opened.close();
  });

  const start = async (timing: Partial<ReconcilerTiming>): Promise<void> => {
    const { database } = opened;
    const newId = createIds(systemClock);
    reconciler = new Reconciler({
      database,
      store: createDeploymentStore(database),
      operations: createOperations({ database, clock: systemClock, newId }),
      ledger: createLedger({ clock: systemClock }),
      secrets: noSecrets,
      identity,
      runtimeHost: fleet.runtimeHost,
      gatewayHub: fleet.gatewayHub,
      objects: { localFile: async () => await Promise.reject(new Error('nothing is deployed')) },
      clock: systemClock,
      newId,
      installation: 'test',
      onError: () => undefined,
      timing: { publishMs: 1, ...timing },
    });
    await reconciler.start();
    await until('the first table', () => reads > 0 && fleet.table() !== undefined);
  };
  const change = (actor: string): void => {
    const everything = { teams: '*', endpoints: [] } as const;
    const token: TokenGrant = {
      digest: actor,
      tokenId: actor,
      actor,
      expiresAt: null,
      see: everything,
      predict: everything,
    };
    grants = { tokens: [token], limits: [] };
  };
  const isPublished = (actor: string): boolean => fleet.table()?.tokens[0]?.actor === actor;

  it('reaches gateways at once when this process changed it', async () => {
    await start({ tickMs: hour, grantsMs: hour });
    change('ana');
    for (const listener of listeners) listener();
    await until('ana may call', () => isPublished('ana'));
    expect(reads).toBe(2);
  });

  it('reaches gateways at the next tick when another process changed it', async () => {
    await start({ tickMs: 5, grantsMs: hour });
    const before = reads;
    change('bea');
    epoch += 1;
    await until('bea may call', () => isPublished('bea'));
    expect(reads).toBe(before + 1);
  });

  it('is read again from time to time, because access ends by itself', async () => {
    await start({ tickMs: 5, grantsMs: 20 });
    change('eve');
    await until('eve may call', () => isPublished('eve'));
    expect(reads).toBeGreaterThan(1);
  });

  it('is not lost when it could not be read', async () => {
    await start({ tickMs: 5, grantsMs: hour });
    isBroken = true;
    change('dan');
    const before = reads;
    for (const listener of listeners) listener();
    await until('it was tried', () => reads > before);
    expect(isPublished('dan')).toBe(false);
    isBroken = false;
    await until('dan may call', () => isPublished('dan'));
  });
});
