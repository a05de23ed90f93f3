import { MusterError, type Operation } from '@muster-ml/protocol';
import type { Kysely } from 'kysely';
import type { DeploymentRecord } from '../../src/deployments/deployment.ts';
import type { EndpointState } from '../../src/deployments/endpoint.ts';
import type { Crash, DeploymentStore } from '../../src/deployments/store.ts';
import type { Ledger } from '../../src/ledger/index.ts';
import type { Decision } from '../../src/deployments/deployment.ts';
import type { Cause } from '../../src/deployments/traffic.ts';
import type { Database, Tx } from '../../src/platform/database/index.ts';
import type { OperationEnd, Operations } from '../../src/platform/operations/index.ts';

/** What is on disk: it outlives every control process of a simulation. All values are immutable, so a copy of the maps is a snapshot. */
interface Disk {
  epoch: number;
  tableBase: number;
  endpoints: Map<string, EndpointState>;
  /** Every deployment, also ended ones. */
  deployments: Map<string, DeploymentRecord>;
  operations: Map<string, { readonly id: string; readonly end: OperationEnd | undefined }>;
  crashes: readonly Crash[];
  quarantine: Map<string, string>;
  entries: readonly string[];
  history: readonly KeptInterval[];
}

/** A row of the history. */
export interface KeptInterval {
  readonly endpointId: string;
  readonly deploymentId: string;
  readonly role: DeploymentRecord['role'];
  readonly sharePercent: number;
  readonly from: number;
  readonly until: number | undefined;
  readonly decision: Decision | null;
  readonly cause: Cause | undefined;
}

/** Called wherever a process awaits something; it may throw to end the process there. */
export type AwaitPoint = (where: string) => void;

/** What one control process uses of the disk. */
export interface MemoryParts {
  readonly database: Database;
  readonly store: DeploymentStore;
  readonly operations: Operations;
  readonly ledger: Ledger;
}

/** The twin of the database, of this room's store, of operations and ledger: atomic transactions, no SQL, fast. */
export interface MemoryInstallation {
  open(awaitPoint: AwaitPoint): MemoryParts;
  endpoints(): readonly EndpointState[];
  deployment(id: string): DeploymentRecord | undefined;
  openOperations(): readonly string[];
  endOf(operation: string): OperationEnd | undefined;
  entries(): readonly string[];
  isQuarantined(model: string, version: number): boolean;
  history(): readonly KeptInterval[];
}

export function createMemoryInstallation(
  onEnd: (operation: string, end: OperationEnd) => void,
  onCommit: () => void = () => undefined,
): MemoryInstallation {
  let disk: Disk = {
    epoch: 0,
    tableBase: 0,
    endpoints: new Map(),
    deployments: new Map(),
    operations: new Map(),
    crashes: [],
    quarantine: new Map(),
    entries: [],
    history: [],
  };
  let turn: Promise<unknown> = Promise.resolve();
  let operationCount = 0;

  /** What the transaction that runs has written; nobody else sees it before its commit. */
  let draft: Disk = disk;

  function copy(): Disk {
    return {
      ...disk,
      endpoints: new Map(disk.endpoints),
      deployments: new Map(disk.deployments),
      operations: new Map(disk.operations),
      quarantine: new Map(disk.quarantine),
    };
  }

  async function transact<R>(awaitPoint: AwaitPoint, work: () => Promise<R>): Promise<R> {
    const mine = turn.then(async () => {
      awaitPoint('begin');
      draft = copy();
      const result = await work();
      awaitPoint('commit');
      disk = draft;
      onCommit();
      awaitPoint('committed');
      return result;
    });
    turn = mine.catch(() => undefined);
    return await mine;
  }

  const present = (state: EndpointState): EndpointState => ({
    ...state,
    deployments: state.deployments.filter((deployment) => deployment.endedAt === null),
  });

  function open(awaitPoint: AwaitPoint): MemoryParts {
    const read = async <R>(value: () => R): Promise<R> => {
      awaitPoint('read');
      await Promise.resolve();
      return value();
    };
    const store: DeploymentStore = {
      begin: async () => await read(() => ++draft.epoch),
      epoch: async () => await read(() => disk.epoch),
      reserveTableVersions: async (_tx, count) =>
        await read(() => {
          draft.tableBase += count;
          return draft.tableBase - count + 1;
        }),
      find: async (key, tx) =>
        await read(() => {
          const found = [...(tx === undefined ? disk : draft).endpoints.values()].find(({ endpoint, deployments }) => {
            if ('name' in key) return endpoint.name === key.name && endpoint.deletedAt === null;
            return 'id' in key
              ? endpoint.id === key.id
              : deployments.some((deployment) => deployment.operationId === key.operationId);
          });
          return found === undefined ? undefined : present(found);
        }),
      teamOf: async (name) =>
        await read(
          () =>
            [...disk.endpoints.values()].find(({ endpoint }) => endpoint.name === name && endpoint.deletedAt === null)
              ?.endpoint.team,
        ),
      changedSince: async (epoch) =>
        await read(() =>
          [...disk.endpoints.values()]
            .filter(
              (state) =>
                state.endpoint.touched > epoch &&
                (epoch > 0 || state.endpoint.deletedAt === null || present(state).deployments.length > 0),
            )
            .map(present),
        ),
      page: async () => await read(() => [...disk.endpoints.values()].map(present)),
      save: async (_tx, epoch, before, after) =>
        await read(() => {
          const known = draft.endpoints.get(after.endpoint.id);
          if (before !== undefined && known?.endpoint.touched !== before.endpoint.touched) return false;
          draft.endpoints.set(
            after.endpoint.id,
            present({ ...after, endpoint: { ...after.endpoint, touched: epoch } }),
          );
          for (const deployment of after.deployments) draft.deployments.set(deployment.id, deployment);
          return true;
        }),
      deployment: async (id) => await read(() => draft.deployments.get(id)),
      versionsOf: async () => await read(() => new Map()),
      addEvents: async () => await read(() => undefined),
      events: async () => await read(() => []),
      addCrashes: async (_tx, crashes) => await read(() => void (draft.crashes = [...draft.crashes, ...crashes])),
      crashesSince: async (at) => await read(() => disk.crashes.filter((crash) => crash.at >= at)),
      dropCrashes: async (_tx, before) =>
        await read(() => void (draft.crashes = draft.crashes.filter((crash) => crash.at >= before))),
      quarantine: async (_tx, { model, version, reason }) =>
        await read(() => void draft.quarantine.set(`${model}:${version}`, reason)),
      quarantineReason: async (_tx, model, version) => await read(() => draft.quarantine.get(`${model}:${version}`)),
      liftQuarantine: async (_tx, model, version) =>
        await read(() => void draft.quarantine.delete(`${model}:${version}`)),
      noteDecision: async (_tx, { endpointId, deploymentIds, decision }) =>
        await read(() => {
          const decided = (deployment: DeploymentRecord): DeploymentRecord =>
            deploymentIds.includes(deployment.id) ? { ...deployment, decision } : deployment;
          const state = draft.endpoints.get(endpointId);
          if (state === undefined) return;
          draft.endpoints.set(endpointId, { ...state, deployments: state.deployments.map(decided) });
          for (const id of deploymentIds) {
            const deployment = draft.deployments.get(id);
            if (deployment !== undefined) draft.deployments.set(id, decided(deployment));
          }
        }),
      moveTraffic: async (_tx, { endpoint, move, at }) =>
        await read(() => {
          const kept = draft.history.map((interval) => {
            const end = move.ended.find(({ deploymentId }) => deploymentId === interval.deploymentId);
            return end === undefined || interval.until !== undefined
              ? interval
              : { ...interval, until: at, cause: end.cause };
          });
          const begun = move.begun.map(({ deployment, role, sharePercent, decision }) => ({
            endpointId: endpoint.id,
            deploymentId: deployment.id,
            role,
            sharePercent,
            from: at,
            until: undefined,
            decision,
            cause: undefined,
          }));
          draft.history = [...kept, ...begun];
        }),
    };
    const operations: Operations = {
      create: async (_tx, wish) =>
        await read(() => {
          const id = `op-${++operationCount}`;
          draft.operations.set(id, { id, end: undefined });
          const operation: Operation = {
            id,
            kind: wish.kind,
            subject: wish.subject,
            state: 'running',
            progress: '',
            result: null,
            problem: null,
            createdAt: '',
            createdBy: wish.createdBy,
            finishedAt: null,
          };
          return operation;
        }),
      finish: async (_tx, id, end) =>
        await read(() => {
          if (draft.operations.get(id)?.end !== undefined) return;
          draft.operations.set(id, { id, end });
          onEnd(id, end);
        }),
      run: unused,
      progress: () => undefined,
      announce: () => undefined,
      get: unused,
      watch: unused,
      cancel: unused,
      interrupted: unused,
      onCancel: () => undefined,
      drain: async () => await Promise.resolve(),
    };
    return {
      store,
      operations,
      database: {
        kind: 'sqlite',
        get reader(): Kysely<unknown> {
          return unused();
        },
        inTransaction: async (work) => await transact(awaitPoint, async () => await work({} as Tx)),
        isHealthy: async () => await Promise.resolve(true),
        close: async () => await Promise.resolve(),
      },
      ledger: {
        append: async (_tx, entry) => await read(() => (draft.entries = [...draft.entries, entry.action]).length - 1),
      },
    };
  }

  return {
    open,
    endpoints: () => [...disk.endpoints.values()].map(present),
    deployment: (id) => disk.deployments.get(id),
    openOperations: () => [...disk.operations.values()].filter(({ end }) => end === undefined).map(({ id }) => id),
    endOf: (operation) => disk.operations.get(operation)?.end,
    entries: () => disk.entries,
    history: () => disk.history,
    isQuarantined: (model, version) => disk.quarantine.has(`${model}:${version}`),
  };
}

function unused(): never {
  throw new MusterError('internal_error', 'the simulation does not offer this');
}
