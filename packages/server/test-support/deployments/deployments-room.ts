import { MusterError, type Operation, type Signature } from '@muster-ml/protocol';
import { type Deployments, createDeployments } from '../../src/deployments/index.ts';
import type { Caller } from '../../src/identity/index.ts';
import { type NewEntry, createLedger } from '../../src/ledger/index.ts';
import { createIds, systemClock } from '../../src/platform/clock/index.ts';
import type { Database } from '../../src/platform/database/index.ts';
import { type Operations, createOperations } from '../../src/platform/operations/index.ts';
import type { SecretUses } from '../../src/secrets/index.ts';
import type { ServedVersion } from '../../src/registry/index.ts';
import type { LiveWish, StandingRecord } from '../../src/standing/index.ts';
import { callerWith, decidingIdentity } from '../identity.ts';
import { maker } from '../registry.ts';
import { type InstantFleet, createInstantFleet } from './instant-fleet.ts';
import { noSecrets } from '../no-secrets.ts';

/** This room on a real database, with a fleet that obeys at once. */
export interface DeploymentsRoom {
  readonly deployments: Deployments;
  readonly operations: Operations;
  readonly fleet: InstantFleet;
  readonly entries: NewEntry[];
  readonly errors: unknown[];
  /** Endpoints of whose end identity was told. */
  readonly endpointsEnded: readonly string[];
  /** Whether Python models are refused for want of a cage. */
  readonly uncaged: { isRefused: boolean };
  /** Where endpoints stand, by id; what was asked to become live; whether it is refused. */
  readonly standings: {
    readonly records: Map<string, StandingRecord>;
    readonly asked: LiveWish[];
    isRefused: boolean;
  };
  /** Another process on the same database, as after a restart. */
  restart(): Promise<Deployments>;
  /** The end of an operation. */
  ended(operation: Operation): Promise<Operation>;
}

/** Somebody who may do everything with endpoints of a team, or may only look. */
export function callerOf(team: string, may = true): Caller {
  return callerWith(may ? { id: 'ana', teams: { [team]: maker } } : { id: 'eve', teams: { [team]: ['viewer'] } });
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

export async function openDeploymentsRoom(
  database: Database,
  secrets: SecretUses = noSecrets,
): Promise<DeploymentsRoom> {
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
  const ended: string[] = [];
  const standings: DeploymentsRoom['standings'] = { records: new Map(), asked: [], isRefused: false };
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
      secrets,
      standings: {
        of: async (ids) =>
          await Promise.resolve(
            new Map(
              ids.flatMap((id) => {
                const record = standings.records.get(id);
                return record === undefined ? [] : [[id, record] as const];
              }),
            ),
          ),
        refuseLive: async (_tx, wish) => {
          standings.asked.push(wish);
          await Promise.resolve();
          if (standings.isRefused) throw new MusterError('standing_required', `${wish.endpoint.name} was not approved`);
        },
      },
      runtimeHost: fleet.runtimeHost,
      gatewayHub: fleet.gatewayHub,
      identity: {
        ...decidingIdentity(),
        endpointEnded: async (_tx, name) => await Promise.resolve(void ended.push(name)),
      },
      ledger: {
        append: async (tx, entry) => {
          entries.push(entry);
          return await ledger.append(tx, entry);
        },
      },
      objects: { localFile: async (digest) => await Promise.resolve(`/objects/${digest}`) },
      installation: 'test',
      onError: (error) => errors.push(error),
      timing: { tickMs: 20, publishMs: 5, grantsMs: 50, gatewayLostMs: 30 },
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
    endpointsEnded: ended,
    uncaged,
    standings,
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
