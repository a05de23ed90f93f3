import { MusterError, type Operation, type Signature } from '@muster-ml/protocol';
import { type Deployments, createDeployments } from '../../src/deployments/index.ts';
import type { Caller } from '../../src/identity/index.ts';
import { type NewEntry, createLedger } from '../../src/ledger/index.ts';
import { createIds, systemClock } from '../../src/platform/clock/index.ts';
import type { Database } from '../../src/platform/database/index.ts';
import { type Operations, createOperations } from '../../src/platform/operations/index.ts';
import type { ServedVersion } from '../../src/registry/index.ts';
import { type InstantFleet, createInstantFleet } from './instant-fleet.ts';

/** This room on a real database, with a fleet that obeys at once. */
export interface DeploymentsRoom {
  readonly deployments: Deployments;
  readonly operations: Operations;
  readonly fleet: InstantFleet;
  readonly entries: NewEntry[];
  readonly errors: unknown[];
  /** Whether Python models are refused for want of a cage. */
  readonly uncaged: { isRefused: boolean };
  /** Another process on the same database, as after a restart. */
  restart(): Promise<Deployments>;
  /** The end of an operation. */
  ended(operation: Operation): Promise<Operation>;
}

export function callerOf(team: string, may = true): Caller {
  return {
    actor: { id: may ? 'ana' : 'eve', kind: 'person', name: 'someone', teams: { [team]: ['admin'] }, tokenId: 't' },
    requestId: 'r',
  };
}

export const rows: Signature = {
  inputs: [{ name: 'x', datatype: 'FP32', shape: [-1, 3] }],
  outputs: [{ name: 'y', datatype: 'FP32', shape: [-1] }],
};

/** How the versions of the model `python` run; all others are ONNX. */
export const served: NonNullable<ServedVersion['python']> = {
  format: 'pickle',
  isTable: true,
  environment: { python: '3.11', requirements: ['scikit-learn==1.5.2'] },
};

/** Versions of any model exist up to 90; those from 50 on take another input; alias `champion` is version 2. */
export function anyVersion(model: string, number: number): ServedVersion {
  if (number > 90) throw new MusterError('version_not_found', `${model} has no version ${number}`);
  const signature =
    number >= 50
      ? { ...rows, inputs: [{ ...rows.inputs[0], name: 'other', datatype: 'FP64' as const, shape: [-1, 3] }] }
      : rows;
  return {
    model,
    number,
    team: 'default',
    runtime: model === 'python' ? 'python' : 'onnx',
    digest: `${model}-${number}`,
    sizeBytes: 1000,
    signature,
    sampleDigest: model === 'python' ? 'rows' : null,
    ...(model === 'python' ? { python: served } : {}),
  };
}

export async function openDeploymentsRoom(database: Database): Promise<DeploymentsRoom> {
  type Tables = { team: { name: string; created_at: number } };
  await database.inTransaction(
    async (tx) =>
      void (await tx
        .withTables<Tables>()
        .insertInto('team')
        .values([
          { name: 'default', created_at: 0 },
          { name: 'risk', created_at: 0 },
        ])
        .execute()),
  );
  const newId = createIds(systemClock);
  const operations = createOperations({ database, clock: systemClock, newId });
  const ledger = createLedger({ clock: systemClock });
  const fleet = createInstantFleet();
  const entries: NewEntry[] = [];
  const errors: unknown[] = [];
  const uncaged = { isRefused: false };
  const open = (): Deployments =>
    createDeployments({
      database,
      operations,
      clock: systemClock,
      newId,
      registry: {
        servedVersion: async (_caller, model, pick) =>
          await Promise.resolve(anyVersion(model, 'version' in pick ? pick.version : 2)),
      },
      refuseUncagedPython: async () => {
        await Promise.resolve();
        if (uncaged.isRefused) throw new MusterError('isolation_too_weak', 'two persons have tokens');
      },
      runtimeHost: fleet.runtimeHost,
      gatewayHub: fleet.gatewayHub,
      identity: {
        authenticate: async () => await Promise.resolve(callerOf('default').actor),
        actorById: async () => await Promise.resolve(callerOf('default').actor),
        authorize: (caller, action, resource) => {
          if (caller.actor.id === 'eve') throw new MusterError('not_allowed', `${action} on ${resource.id}`);
        },
        visibleTeams: (actor) => Object.keys(actor.teams),
        countPersonsWithTokens: async () => await Promise.resolve(1),
        grants: async () => await Promise.resolve([]),
      },
      ledger: {
        append: async (tx, entry) => {
          await ledger.append(tx, entry);
          entries.push(entry);
        },
      },
      objects: { localFile: async (digest) => await Promise.resolve(`/objects/${digest}`) },
      installation: 'test',
      onError: (error) => errors.push(error),
      timing: { tickMs: 20, publishMs: 5, gatewayLostMs: 30 },
    });
  let deployments = open();
  await deployments.reconciler.start();
  return {
    get deployments() {
      return deployments;
    },
    operations,
    fleet,
    entries,
    errors,
    uncaged,
    async restart() {
      await deployments.reconciler.drain();
      deployments = open();
      await deployments.reconciler.start();
      return deployments;
    },
    async ended(operation) {
      let last = operation;
      for await (const now of operations.watch(operation.id, AbortSignal.timeout(10_000))) last = now;
      return last;
    },
  };
}

/** Waits until a condition holds; fails with its name after ten seconds. */
export async function until(what: string, condition: () => boolean | Promise<boolean>): Promise<void> {
  const deadline = Date.now() + 10_000;
  while (!(await condition())) {
    if (Date.now() > deadline) throw new Error(`waited in vain until ${what}`);
    await new Promise((resolve) => void setTimeout(resolve, 5));
  }
}
