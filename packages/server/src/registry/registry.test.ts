import { randomUUID } from 'node:crypto';
import { buffer } from 'node:stream/consumers';
import { MusterError, type Operation, type Version, unpackSample } from '@muster-ml/protocol';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type TestDatabase, databaseKinds, openTestDatabase } from '../../test-support/database.ts';
import { chunksOf, openTestObjects } from '../../test-support/objects.ts';
import { decidingIdentity } from '../../test-support/identity.ts';
import { callerIn, inspected, maker, noPython } from '../../test-support/registry.ts';
import { createLedger } from '../ledger/index.ts';
import { createIds, systemClock } from '../platform/clock/index.ts';
import { type Uploads, createUploads } from '../platform/objects/index.ts';
import { type Operations, createOperations } from '../platform/operations/index.ts';
import type { Inspect } from './inspect-file.ts';
import { type Registry, createRegistry } from './registry.ts';

type Tables = {
  team: { name: string; created_at: number };
  ledger_entry: { seq: number; action: string; body: string };
  model_version: { number: number };
};

const { signature, facts } = inspected;

const alice = callerIn({ default: maker });
const reader = callerIn({ default: ['viewer'] }, 'rita');
const stranger = callerIn({ other: maker }, 'sam');

describe.each(databaseKinds)('the registry on %s', (kind) => {
  let opened: TestDatabase;
  let store: Awaited<ReturnType<typeof openTestObjects>>;
  let operations: Operations;
  let registry: Registry;
  let uploads: Uploads;
  let inspect: Inspect;

  beforeEach(async () => {
    opened = await openTestDatabase(kind);
    await opened.database.inTransaction(async (tx) => {
      for (const name of ['default', 'other']) {
        await tx.withTables<Tables>().insertInto('team').values({ name, created_at: 1 }).execute();
      }
    });
    store = await openTestObjects(opened.database);
    inspect = async () => ({ signature, facts });
    uploads = createUploads({
      objects: store.objects,
      database: opened.database,
      clock: systemClock,
      newId: createIds(systemClock),
      maxBytes: 1000,
    });
    operations = newOperations();
    registry = newRegistry(operations);
  });
  afterEach(async () => {
    await operations.drain();
    await store.close();
    await opened.close();
  });

  const newOperations = () =>
    createOperations({ database: opened.database, clock: systemClock, newId: createIds(systemClock) });
  const newRegistry = (own: Operations) =>
    createRegistry({
      database: opened.database,
      objects: store.objects,
      ledger: createLedger({ clock: systemClock }),
      identity: decidingIdentity(),
      operations: own,
      inspect: (file, wanted, signal) => inspect(file, wanted, signal),
      ...noPython,
      clock: systemClock,
      newId: createIds(systemClock),
    });

  const create = (name: string, team = 'default', caller = alice) =>
    registry.createModel(caller, { name, team, description: '', tags: {} });
  const ended = async (operation: Operation, from = operations): Promise<Operation> => {
    for await (const now of from.watch(operation.id, AbortSignal.timeout(10_000))) {
      if (now.state !== 'running') return now;
    }
    throw new Error('the operation did not end');
  };
  const uploaded = async (content: string = randomUUID(), owner = 'alice') => {
    const { id } = await uploads.start({ sizeBytes: Buffer.byteLength(content), owner });
    await uploads.putPart(id, owner, 1, chunksOf(content));
    return (await uploads.complete(id, owner)).digest;
  };
  const register = async (model: string, extra: Partial<Parameters<Registry['registerVersion']>[2]> = {}) =>
    await ended(
      await registry.registerVersion(alice, model, {
        digest: extra.digest ?? (await uploaded()),
        description: '',
        tags: {},
        ...extra,
      }),
    );
  const versionIn = (operation: Operation): Version => {
    expect(operation).toMatchObject({ state: 'succeeded', problem: null });
    return operation.result?.version as Version;
  };
  const entries = async () =>
    await opened.database.reader
      .withTables<Tables>()
      .selectFrom('ledger_entry')
      .select(['seq', 'action', 'body'])
      .orderBy('seq')
      .execute();

  describe('models', () => {
    test('a model is what was asked for, and its making is in the ledger', async () => {
      const made = await registry.createModel(alice, {
        name: 'Frühe Warnung',
        team: 'default',
        description: 'd',
        tags: { a: 'b' },
      });
      expect(made).toMatchObject({
        name: 'Frühe Warnung',
        team: 'default',
        description: 'd',
        tags: { a: 'b' },
        latestVersion: null,
        aliases: {},
        createdBy: 'alice',
      });
      expect(await registry.getModel(alice, 'Frühe Warnung')).toEqual(made);
      const [entry] = await entries();
      expect(JSON.parse(entry?.body ?? '')).toMatchObject({
        action: 'model.create',
        team: 'default',
        actor: { id: 'alice', kind: 'person', token: 'token-of-alice' },
        outcome: 'allowed',
      });
    });

    test('a name is taken whatever its case or way of writing', async () => {
      await create('Café');
      for (const name of ['Café', 'café', 'CAFÉ', 'Cafe\u0301']) {
        await expect(create(name)).rejects.toMatchObject({ code: 'model_exists' });
        await expect(create(name, 'other', stranger)).rejects.toMatchObject({ code: 'model_exists' });
      }
      expect(await entries()).toHaveLength(1);
    });

    test('of many that make one name at once, one succeeds', async () => {
      const results = await Promise.allSettled(Array.from({ length: 8 }, () => create('same')));
      expect(results.filter((result) => result.status === 'fulfilled')).toHaveLength(1);
      expect(await entries()).toHaveLength(1);
    });

    test('what the caller may not see does not exist; what is visible may be forbidden', async () => {
      await create('secret');
      const hidden = { code: 'model_not_found' };
      await expect(registry.getModel(stranger, 'secret')).rejects.toMatchObject(hidden);
      await expect(registry.listVersions(stranger, 'secret', { limit: 10 })).rejects.toMatchObject(hidden);
      await expect(registry.servedVersion(stranger, 'secret', { version: 1 })).rejects.toMatchObject(hidden);
      await expect(registry.setAlias(stranger, { model: 'secret', alias: 'a', version: 1 })).rejects.toMatchObject(
        hidden,
      );
      await expect(
        registry.registerVersion(stranger, 'secret', { digest: await uploaded(), description: '', tags: {} }),
      ).rejects.toMatchObject(hidden);
      expect(await registry.listModels(stranger, { limit: 10 })).toEqual({ items: [] });
      await expect(create('x', 'default', stranger)).rejects.toMatchObject({ code: 'team_not_found' });
      await expect(create('x', 'default', reader)).rejects.toMatchObject({ code: 'not_allowed' });
      await expect(registry.deleteAlias(reader, 'secret', 'a')).rejects.toMatchObject({ code: 'not_allowed' });
      expect(await registry.getModel(reader, 'secret')).toMatchObject({ name: 'secret' });
    });

    test('the team has to exist', async () => {
      const everywhere = callerIn({ ghost: maker });
      await expect(create('x', 'ghost', everywhere)).rejects.toMatchObject({ code: 'team_not_found' });
    });

    test('pages by name hold every visible model once', async () => {
      const names = ['b', 'A', 'ä', 'c', 'B1', '😀', 'a b'];
      for (const name of names) await create(name);
      await create('not theirs', 'other', stranger);
      const seen: string[] = [];
      let after: string | undefined;
      do {
        const page = await registry.listModels(alice, { limit: 3, after });
        seen.push(...page.items.map((model) => model.name));
        after = page.next;
      } while (after !== undefined);
      expect(seen).toEqual([...names].toSorted((one, other) => Buffer.compare(Buffer.from(one), Buffer.from(other))));
    });
  });

  describe('versions', () => {
    test('a registered version is immutable content with signature, facts and a number, and in the ledger', async () => {
      await create('m');
      const digest = await uploaded('model');
      const version = versionIn(await register('m', { digest, description: 'first', tags: { stage: 'x' } }));
      expect(version).toMatchObject({
        model: 'm',
        number: 1,
        runtime: 'onnx',
        digest,
        sizeBytes: 5,
        signature,
        facts,
        sampleDigest: null,
        description: 'first',
        tags: { stage: 'x' },
        createdBy: 'alice',
      });
      expect(await registry.getVersion(alice, 'm', 1)).toEqual(version);
      expect(await registry.getModel(alice, 'm')).toMatchObject({ latestVersion: 1 });
      const file = await registry.readVersionFile(reader, 'm', 1);
      expect(file).toMatchObject({ sizeBytes: 5, etag: digest, fileName: 'm-1.onnx' });
      expect((await buffer(file.stream)).toString()).toBe('model');
      expect(await registry.servedVersion(alice, 'm', { version: 1 })).toEqual({
        model: 'm',
        number: 1,
        team: 'default',
        runtime: 'onnx',
        digest,
        sizeBytes: 5,
        signature,
        sampleDigest: null,
      });
      expect((await entries()).map((entry) => entry.action)).toEqual(['model.create', 'version.register']);
    });

    test('numbers count from 1 without gaps, also when versions are registered at once and some fail', async () => {
      await create('m');
      const bad = await uploaded('bad');
      const badFile = await store.objects.localFile(bad);
      inspect = async (file) => {
        if (file === badFile) throw new MusterError('invalid_model_file', 'not a model');
        return { signature, facts };
      };
      const all = await Promise.all(
        Array.from({ length: 9 }, (_, i) => register('m', i % 3 === 0 ? { digest: bad } : {})),
      );
      expect(
        all.filter((operation) => operation.state === 'failed').map((operation) => operation.problem?.code),
      ).toEqual(['invalid_model_file', 'invalid_model_file', 'invalid_model_file']);
      const page = await registry.listVersions(alice, 'm', { limit: 4 });
      expect(page.items.map((version) => version.number)).toEqual([6, 5, 4, 3]);
      const rest = await registry.listVersions(alice, 'm', { limit: 4, after: page.next });
      expect(rest.items.map((version) => version.number)).toEqual([2, 1]);
      expect(rest.next).toBeUndefined();
    });

    test('the same content again is a new version', async () => {
      await create('m');
      const digest = await uploaded('model');
      expect(versionIn(await register('m', { digest })).number).toBe(1);
      expect(versionIn(await register('m', { digest })).number).toBe(2);
    });

    test('content that was not uploaded is refused at once', async () => {
      await create('m');
      await expect(
        registry.registerVersion(alice, 'm', { digest: 'a'.repeat(64), description: '', tags: {} }),
      ).rejects.toMatchObject({ code: 'object_not_found' });
    });

    test('content of others is as if it were not there: a digest does not stand for the file', async () => {
      await create('m');
      await create('theirs', 'other', stranger);
      const theirs = await uploaded('their model', 'sam');
      const steal = () => registry.registerVersion(alice, 'm', { digest: theirs, description: '', tags: {} });
      await expect(steal()).rejects.toMatchObject({ code: 'object_not_found' });
      await ended(await registry.registerVersion(stranger, 'theirs', { digest: theirs, description: '', tags: {} }));
      await expect(steal()).rejects.toMatchObject({ code: 'object_not_found' });
      // Who sees the version may register its content again, and so may who has the file.
      const both = callerIn({ default: maker, other: ['viewer'] }, 'bea');
      expect(
        await ended(await registry.registerVersion(both, 'm', { digest: theirs, description: '', tags: {} })),
      ).toMatchObject({ state: 'succeeded' });
      await uploaded('their model', 'alice');
      await expect(steal()).resolves.toMatchObject({ state: 'running' });
    });

    test('a sample names the features and travels as an object of its own', async () => {
      await create('m');
      const version = versionIn(
        await register('m', { sampleCsv: 'age,income\n1,2.5\n3,\n', signature: { labels: ['a', 'b', 'c'] } }),
      );
      expect(version.signature).toMatchObject({ features: ['age', 'income'], labels: ['a', 'b', 'c'] });
      const packed = await buffer(await store.objects.read(version.sampleDigest ?? ''));
      const { inputs, payload } = unpackSample(packed);
      expect(inputs).toEqual([{ name: 'X', datatype: 'FP32', shape: [2, 2], size: 16 }]);
      expect([...new Float32Array(new Uint8Array(payload).buffer)]).toEqual([1, 2.5, 3, Number.NaN]);
    });

    test.each([
      ['invalid_signature', { signature: { features: ['one'] } }],
      ['invalid_signature', { signature: { labels: ['one', 'two'] } }],
      ['invalid_sample', { sampleCsv: 'a,b,c\n1,2,3\n' }],
      ['invalid_sample', { sampleCsv: 'a,b\n1,x\n' }],
    ])('what does not fit the file fails as %s: %j', async (code, extra) => {
      await create('m');
      expect(await register('m', extra)).toMatchObject({ state: 'failed', problem: { code } });
      expect(await registry.getModel(alice, 'm')).toMatchObject({ latestVersion: null });
    });

    test('a registration that a restart interrupts goes on, and is done once', async () => {
      await create('m');
      const gate = Promise.withResolvers<void>();
      inspect = async () => {
        await gate.promise;
        return { signature, facts };
      };
      const operation = await registry.registerVersion(alice, 'm', {
        digest: await uploaded(),
        description: '',
        tags: {},
      });
      const drained = operations.drain();
      gate.resolve();
      await drained;
      const nextOperations = newOperations();
      await newRegistry(nextOperations).resume();
      expect(versionIn(await ended(operation, nextOperations)).number).toBe(1);
      await newRegistry(nextOperations).resume();
      await nextOperations.drain();
      expect((await registry.listVersions(alice, 'm', { limit: 10 })).items).toHaveLength(1);
    });

    test('what a version refers to survives the sweeper', async () => {
      await create('m');
      const version = versionIn(await register('m', { sampleCsv: 'a,b\n1,2\n' }));
      const orphan = await uploaded('orphan');
      await opened.database.inTransaction(async (tx) => {
        await tx
          .withTables<{ object: { touched_at: number } }>()
          .updateTable('object')
          .set({ touched_at: 0 })
          .execute();
      });
      expect(await store.objects.sweep()).toBe(1);
      expect(await store.objects.stat(orphan)).toBeUndefined();
      expect(await store.objects.stat(version.digest)).toBeDefined();
      expect(await store.objects.stat(version.sampleDigest ?? '')).toBeDefined();
    });
  });

  describe('aliases', () => {
    beforeEach(async () => {
      await create('m');
      for (const _ of [1, 2]) await register('m');
    });

    test('an alias points at a version, can be moved and removed, each time in the ledger', async () => {
      const target = { model: 'm', alias: 'champion', version: 1 };
      expect(await registry.setAlias(alice, target)).toEqual(target);
      expect(await registry.servedVersion(alice, 'm', { alias: 'champion' })).toMatchObject({ number: 1 });
      await registry.setAlias(alice, { ...target, version: 2 });
      expect(await registry.getModel(alice, 'm')).toMatchObject({ aliases: { champion: 2 } });
      await registry.deleteAlias(alice, 'm', 'champion');
      expect(await registry.getModel(alice, 'm')).toMatchObject({ aliases: {} });
      const moved = (await entries())
        .slice(3)
        .map((entry) => JSON.parse(entry.body) as { ctx: unknown; before?: string; after?: string });
      expect(moved.map((entry) => entry.ctx)).toEqual([
        { alias: 'champion', version: 1, previous: null },
        { alias: 'champion', version: 2, previous: 1 },
        { alias: 'champion', version: null, previous: 2 },
      ]);
      expect(moved[1]?.before).toBe(moved[0]?.after);
      expect(moved[2]?.before).toBe(moved[1]?.after);
    });

    test('what is not there has its own error', async () => {
      await expect(registry.setAlias(alice, { model: 'm', alias: 'a', version: 3 })).rejects.toMatchObject({
        code: 'version_not_found',
      });
      await expect(registry.deleteAlias(alice, 'm', 'a')).rejects.toMatchObject({ code: 'alias_not_found' });
      await expect(registry.servedVersion(alice, 'm', { alias: 'a' })).rejects.toMatchObject({
        code: 'alias_not_found',
      });
      await expect(registry.servedVersion(alice, 'm', { version: 9 })).rejects.toMatchObject({
        code: 'version_not_found',
      });
      await expect(registry.getVersion(alice, 'n', 1)).rejects.toMatchObject({ code: 'model_not_found' });
    });
  });
});
