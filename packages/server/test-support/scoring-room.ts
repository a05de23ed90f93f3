import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import {
  MusterError,
  type Operation,
  type Signature,
  type Tensor,
  servingSettingsSchema,
  tensorNumbers,
  toProblem,
} from '@muster-ml/protocol';
import type { Deployments } from '../src/deployments/index.ts';
import { type NewEntry, createLedger } from '../src/ledger/index.ts';
import { createIds, systemClock } from '../src/platform/clock/index.ts';
import type { Database } from '../src/platform/database/index.ts';
import { type Operations, createOperations } from '../src/platform/operations/index.ts';
import type { RunnerObservation, RunnerWish, RuntimeHost } from '../src/runners/index.ts';
import { type Scoring, createScoring } from '../src/scoring/index.ts';
import { type FakeModel, type FakeRunner, createFakeRunner } from './fake-runner.ts';
import { decidingIdentity } from './identity.ts';
import { openTestObjects } from './objects.ts';
import { noSecrets } from './no-secrets.ts';

/** Takes the columns a and b, and answers their sum. */
export const sumSignature: Signature = {
  inputs: [{ name: 'x', datatype: 'FP64', shape: [-1, 2] }],
  outputs: [{ name: 'sum', datatype: 'FP64', shape: [-1] }],
  features: ['a', 'b'],
};

export const sumModel: FakeModel = ([input]) => {
  const numbers = tensorNumbers(input as Tensor) as ArrayLike<number>;
  const sums = Float64Array.from(
    { length: numbers.length / 2 },
    (_, row) => (numbers[row * 2] ?? 0) + (numbers[row * 2 + 1] ?? 0),
  );
  return [{ name: 'sum', datatype: 'FP64', shape: [sums.length], bytes: new Uint8Array(sums.buffer) }];
};

/** This room on a real database and object store, with threads of its own; its host starts fake runners in this process. */
export interface ScoringRoom {
  readonly scoring: Scoring;
  readonly operations: Operations;
  readonly entries: readonly NewEntry[];
  readonly errors: readonly unknown[];
  readonly wishes: () => readonly RunnerWish[];
  /** Content as if it had been uploaded; answers its digest. */
  put(text: string): Promise<string>;
  textOf(digest: string): Promise<string>;
  ended(operation: Operation): Promise<Operation>;
  /** Another process on the same data, after this one was drained. */
  restart(): Promise<ScoringRoom>;
  close(): Promise<void>;
}

export interface ScoringRoomOptions {
  readonly model?: FakeModel;
  /** The replica can never be loaded. */
  readonly isUnloadable?: boolean;
}

export async function openScoringRoom(database: Database, options: ScoringRoomOptions = {}): Promise<ScoringRoom> {
  const objects = await openTestObjects(database);
  const folder = await mkdtemp(join(tmpdir(), 'muster-scores-'));
  const version = (await objects.objects.put(Readable.from([Buffer.from('a model')]), { maxBytes: 100 })).digest;
  await database.inTransaction(async (tx) => {
    type Tables = {
      team: { name: string; created_at: number };
      endpoint: Record<'id' | 'name' | 'team' | 'description' | 'tags' | 'limits' | 'created_by', string> &
        Record<'revision' | 'touched' | 'created_at', number>;
    };
    const db = tx.withTables<Tables>();
    await db.insertInto('team').values({ name: 'default', created_at: 0 }).execute();
    await db
      .insertInto('endpoint')
      .values({
        id: 'e1',
        name: 'sums',
        team: 'default',
        description: '',
        tags: '{}',
        limits: '{}',
        created_by: 'alice',
        revision: 1,
        touched: 1,
        created_at: 0,
      })
      .execute();
  });
  const deployments: Pick<Deployments, 'servedEndpoint'> = {
    async servedEndpoint(caller, action, name) {
      if (name !== 'sums') throw new MusterError('endpoint_not_found', `there is no endpoint ${name}`);
      const missing = (): MusterError => new MusterError('endpoint_not_found', `there is no endpoint ${name}`);
      decidingIdentity().authorize(caller, action, { kind: 'endpoint', id: name, team: 'default', missing });
      const live = {
        id: 'd1',
        state: 'ready' as const,
        problem: null,
        settings: servingSettingsSchema.parse({}),
        served: {
          model: 'm',
          number: 3,
          team: 'default',
          runtime: 'onnx' as const,
          digest: version,
          sizeBytes: 7,
          signature: sumSignature,
          sampleDigest: null,
        },
      };
      return await Promise.resolve({
        id: 'e1',
        name,
        team: 'default',
        serving: (role) => (role === 'live' ? live : undefined),
      });
    },
  };
  const open = async (): Promise<ScoringRoom> => {
    const newId = createIds(systemClock);
    const operations = createOperations({ database, clock: systemClock, newId });
    const ledger = createLedger({ clock: systemClock });
    const entries: NewEntry[] = [];
    const errors: unknown[] = [];
    const host = createHost(folder, options);
    const scoring = createScoring({
      database,
      objects: objects.objects,
      deployments,
      refuseUncagedPython: async () => await Promise.resolve(),
      secrets: noSecrets,
      // Members of the team may use what was put without an upload.
      identity: { ...decidingIdentity(), seesEverything: ({ actor }) => actor.teams['default'] !== undefined },
      ledger: {
        append: async (tx, entry) => {
          entries.push(entry);
          return await ledger.append(tx, entry);
        },
      },
      operations,
      runtimeHost: host.host,
      clock: systemClock,
      newId,
      folder,
      softwareVersion: 'test',
      onError: (error) => errors.push(error),
    });
    await scoring.start();
    const drain = async (): Promise<void> => {
      scoring.drain();
      await operations.drain();
      await host.stop();
    };
    return {
      scoring,
      operations,
      entries,
      errors,
      wishes: host.wishes,
      put: async (text) =>
        (await objects.objects.put(Readable.from([Buffer.from(text)]), { maxBytes: 100_000_000 })).digest,
      textOf: async (digest) => {
        let text = '';
        for await (const chunk of await objects.objects.read(digest)) text += String(chunk);
        return text;
      },
      ended: async (operation) => {
        let last = operation;
        for await (const now of operations.watch(operation.id, AbortSignal.timeout(60_000))) last = now;
        return last;
      },
      async restart() {
        await drain();
        return await open();
      },
      async close() {
        await drain();
        await objects.close();
        await rm(folder, { recursive: true, force: true });
      },
    };
  };
  return await open();
}

/** A host whose runners are there as soon as they are wished. */
function createHost(folder: string, { model = sumModel, isUnloadable = false }: ScoringRoomOptions) {
  const runners = new Map<string, FakeRunner>();
  const watchers = new Set<() => void>();
  let wishes: readonly RunnerWish[] = [];
  const addressOf = (id: string): string => `unix:${join(folder, `${id.slice(-8)}.sock`)}`;
  const host: RuntimeHost = {
    async want(list) {
      wishes = list;
      for (const [id, runner] of runners) {
        if (list.some((wish) => wish.id === id)) continue;
        runners.delete(id);
        await runner.stop();
      }
      for (const { id, replicas } of list) {
        if (runners.has(id)) continue;
        const models = Object.fromEntries(replicas.map((replica) => [replica.id, model]));
        const runner = createFakeRunner({ address: addressOf(id), replicas: isUnloadable ? {} : models });
        runners.set(id, runner);
        await runner.start();
      }
      for (const watcher of watchers) watcher();
    },
    observed: () =>
      wishes.map(({ id, replicas }): RunnerObservation => ({
        id,
        state: 'running',
        pid: 1,
        address: addressOf(id),
        startedAt: 1,
        restarts: 0,
        rssBytes: null,
        cpuMicros: null,
        isolation: 'none',
        replicas: replicas.map((replica) => ({
          id: replica.id,
          state: isUnloadable ? 'failed' : 'ready',
          ...(isUnloadable ? { problem: toProblem(new MusterError('model_unloadable', 'it lacks numpy')) } : {}),
        })),
      })),
    addressOf,
    onChange(callback) {
      watchers.add(callback);
      return () => watchers.delete(callback);
    },
    isolation: { level: 'none', advice: '' },
  };
  return {
    host,
    wishes: () => wishes,
    stop: async () => {
      for (const runner of runners.values()) await runner.stop();
      runners.clear();
    },
  };
}
