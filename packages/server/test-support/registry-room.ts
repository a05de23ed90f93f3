import { randomUUID } from 'node:crypto';
import { buffer } from 'node:stream/consumers';
import { type Operation, type Version, createVersionSchema } from '@muster-ml/protocol';
import type { z } from 'zod';
import type { Caller } from '../src/identity/index.ts';
import { createLedger } from '../src/ledger/index.ts';
import { createIds, systemClock } from '../src/platform/clock/index.ts';
import { type ObjectStore, createUploads } from '../src/platform/objects/index.ts';
import { type Operations, createOperations } from '../src/platform/operations/index.ts';
import type { RegistryParts } from '../src/registry/parts.ts';
import { type Registry, createRegistry } from '../src/registry/registry.ts';
import { type databaseKinds, openTestDatabase } from './database.ts';
import { decidingIdentity } from './identity.ts';
import { chunksOf, openTestObjects } from './objects.ts';
import { callerIn, inspected, maker, noPython } from './registry.ts';

/** What the room asks about files; a test puts in what it needs. */
export type Asked = Pick<RegistryParts, 'inspect' | 'python' | 'makeEnvironment' | 'refuseUncagedPython'>;

/** The registry on a real database and object store, with one team `default` and its caller. */
export interface RegistryRoom {
  readonly registry: Registry;
  readonly operations: Operations;
  readonly objects: ObjectStore;
  readonly asked: { -readonly [K in keyof Asked]: Asked[K] };
  readonly alice: Caller;
  /** Stores content as alice would; answers its digest. */
  upload(content?: string | Uint8Array): Promise<string>;
  /** Begins a registration. */
  begin(model: string, wish: Partial<z.input<typeof createVersionSchema>>): Promise<Operation>;
  /** Registers, and waits for the end of the operation. */
  register(
    model: string,
    wish: Partial<z.input<typeof createVersionSchema>>,
  ): Promise<Operation & { readonly version: Version | undefined }>;
  ended(operation: Operation): Promise<Operation & { readonly version: Version | undefined }>;
  read(digest: string | null | undefined): Promise<Uint8Array>;
  /** Another process on the same data, as after a restart: what ran is aborted and taken up again. */
  restart(): Promise<void>;
  close(): Promise<void>;
}

export async function openRegistryRoom(kind: (typeof databaseKinds)[number]): Promise<RegistryRoom> {
  const opened = await openTestDatabase(kind);
  const { database } = opened;
  await database.inTransaction(async (tx) => {
    const teams = tx.withTables<{ team: { name: string; created_at: number } }>().insertInto('team');
    await teams.values({ name: 'default', created_at: 1 }).execute();
  });
  const store = await openTestObjects(database);
  const { objects } = store;
  const newId = createIds(systemClock);
  const uploads = createUploads({ objects, database, clock: systemClock, newId, maxBytes: 1_000_000 });
  const alice = callerIn({ default: maker });
  const asked = { ...noPython, inspect: async () => await Promise.resolve(inspected) };
  const open = () => {
    const operations = createOperations({ database, clock: systemClock, newId });
    const registry = createRegistry({
      database,
      objects,
      operations,
      newId,
      ledger: createLedger({ clock: systemClock }),
      identity: decidingIdentity(),
      clock: systemClock,
      inspect: (...given) => room.asked.inspect(...given),
      python: {
        look: (...given) => room.asked.python.look(...given),
        prove: (...given) => room.asked.python.prove(...given),
      },
      makeEnvironment: (...given) => room.asked.makeEnvironment(...given),
      refuseUncagedPython: () => room.asked.refuseUncagedPython(),
    });
    return { operations, registry };
  };
  let process = open();

  const room: RegistryRoom = {
    get registry() {
      return process.registry;
    },
    get operations() {
      return process.operations;
    },
    objects,
    asked,
    alice,
    async upload(content = randomUUID()) {
      const { id } = await uploads.start({ sizeBytes: Buffer.byteLength(content), owner: alice.actor.id });
      await uploads.putPart(id, alice.actor.id, 1, chunksOf(content));
      return (await uploads.complete(id, alice.actor.id)).digest;
    },
    async begin(model, wish) {
      const whole = createVersionSchema.parse({ ...wish, digest: wish.digest ?? (await room.upload()) });
      return await process.registry.registerVersion(alice, model, whole);
    },
    async register(model, wish) {
      return await room.ended(await room.begin(model, wish));
    },
    async ended(operation) {
      for await (const now of process.operations.watch(operation.id, AbortSignal.timeout(10_000))) {
        if (now.state !== 'running') return { ...now, version: now.result?.['version'] as Version | undefined };
      }
      throw new Error('the operation did not end');
    },
    read: async (digest) => new Uint8Array(await buffer(await objects.read(digest ?? ''))),
    async restart() {
      await process.operations.drain();
      process = open();
      await process.registry.resume();
    },
    async close() {
      await process.operations.drain();
      await store.close();
      await opened.close();
    },
  };
  return room;
}
