import { createHash } from 'node:crypto';
import type { Operation, Upload, Version } from '@muster-ml/protocol';
import { modelSchema, operationSchema, uploadSchema, versionSchema } from '@muster-ml/protocol';
import type { FastifyInstance, InjectOptions } from 'fastify';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type TestDatabase, openTestDatabase } from '../../test-support/database.ts';
import { openTestObjects } from '../../test-support/objects.ts';
import { decidingIdentity, firstAdmin } from '../../test-support/identity.ts';
import { callerIn, inspected, maker, noPython } from '../../test-support/registry.ts';
import { openTestApi } from '../../test-support/test-api.ts';
import type { Actor, TokenLimits } from '../identity/actor.ts';
import type { Caller } from '../identity/index.ts';
import { createLedger } from '../ledger/index.ts';
import { createIds, systemClock } from '../platform/clock/index.ts';
import { createIdempotency } from '../platform/http/index.ts';
import { createUploads } from '../platform/objects/index.ts';
import { type Operations, createOperations } from '../platform/operations/index.ts';
import { createRegistry } from './registry.ts';
import { registryRoutes, uploadRoutes } from './routes.ts';

const limitedTo = (token: Partial<TokenLimits>): Actor => {
  const { actor } = firstAdmin('default', 'root');
  return { ...actor, token: { id: 'limited', expiresAt: null, actions: null, resources: null, ...token } };
};
const callers: Readonly<Record<string, Caller>> = {
  alice: callerIn({ default: maker }),
  rita: callerIn({ default: ['viewer'] }, 'rita'),
  sam: callerIn({ other: maker }, 'sam'),
  root: firstAdmin('default', 'root'),
  limited: { ...firstAdmin('default', 'root'), actor: limitedTo({ resources: ['endpoint/e'] }) },
  uploader: { ...firstAdmin('default', 'root'), actor: limitedTo({ actions: ['upload.create'] }) },
};
const identity = decidingIdentity();
const content = Buffer.from('a model of 30 bytes, in parts.');
const digest = createHash('sha256').update(content).digest('hex');

describe('the routes of models, versions, aliases and uploads', () => {
  let opened: TestDatabase;
  let store: Awaited<ReturnType<typeof openTestObjects>>;
  let operations: Operations;
  let app: FastifyInstance;

  beforeAll(async () => {
    opened = await openTestDatabase('sqlite');
    const { database } = opened;
    store = await openTestObjects(database);
    await database.inTransaction(async (tx) => {
      const teams = tx.withTables<{ team: { name: string; created_at: number } }>().insertInto('team');
      await teams
        .values([
          { name: 'default', created_at: 1 },
          { name: 'other', created_at: 1 },
        ])
        .execute();
    });
    const shared = { database, objects: store.objects, clock: systemClock, newId: createIds(systemClock) };
    operations = createOperations(shared);
    const registry = createRegistry({
      ...shared,
      ledger: createLedger({ clock: systemClock }),
      identity,
      operations,
      inspect: async () => inspected,
      ...noPython,
    });
    const uploads = createUploads({ ...shared, maxBytes: 100, partBytes: 16 });
    const handlers = { ...registryRoutes(registry), ...uploadRoutes(uploads, identity) };
    app = openTestApi(callers, handlers, createIdempotency(shared)).app;
    await app.ready();
  });
  afterAll(async () => {
    await app.close();
    await operations.drain();
    await store.close();
    await opened.close();
  });

  const ask = async (
    method: NonNullable<InjectOptions['method']>,
    path: string,
    more: InjectOptions = {},
    who = 'alice',
  ) => {
    const answer = await app.inject({
      method,
      url: `/api/v1${path}`,
      ...more,
      headers: { authorization: who, ...more.headers },
    });
    return { status: answer.statusCode, body: answer.body === '' ? undefined : answer.json<unknown>(), answer };
  };
  const post = (path: string, payload: object, who?: string) => ask('POST', path, { payload }, who);
  const sendPart = (id: string, part: number, payload: Buffer, headers: Record<string, string> = {}, who?: string) =>
    ask(
      'PUT',
      `/uploads/${id}/parts/${part}`,
      { payload, headers: { 'content-type': 'application/octet-stream', ...headers } },
      who,
    );
  const upload = async (): Promise<void> => {
    const { body } = await post('/uploads', { sizeBytes: content.byteLength });
    const { id } = uploadSchema.parse(body);
    for (const part of [1, 2]) await sendPart(id, part, content.subarray((part - 1) * 16, part * 16));
    expect(await ask('POST', `/uploads/${id}/complete`)).toMatchObject({
      status: 200,
      body: { digest, sizeBytes: 30 },
    });
  };
  const register = async (model: string): Promise<Version> => {
    const { status, body } = await post(`/models/${encodeURIComponent(model)}/versions`, { digest });
    expect(status).toBe(202);
    for await (const now of operations.watch(operationSchema.parse(body).id, AbortSignal.timeout(10_000))) {
      if (now.state === 'succeeded') return versionSchema.parse((now satisfies Operation).result?.version);
    }
    throw new Error('not registered');
  };

  test('a file goes up in parts, with digests, and can be resumed', async () => {
    const started = await post('/uploads', { sizeBytes: 30, sha256: digest });
    expect(started.status).toBe(201);
    const { id } = uploadSchema.parse(started.body);
    const first = content.subarray(0, 16);
    const base64 = createHash('sha256').update(first).digest('base64');
    expect(await sendPart(id, 1, first, { 'content-digest': `sha-256=:${base64}:` })).toMatchObject({
      status: 200,
      body: { received: [1] },
    });
    expect(await ask('POST', `/uploads/${id}/complete`)).toMatchObject({
      status: 412,
      body: { code: 'upload_incomplete', details: { missing: [2] } },
    });
    expect(await sendPart(id, 2, content.subarray(16), { 'content-digest': `sha-256=:${base64}:` })).toMatchObject({
      status: 400,
      body: { code: 'digest_mismatch' },
    });
    expect(await sendPart(id, 2, content.subarray(16), { 'content-digest': 'sha-256=nonsense' })).toMatchObject({
      status: 400,
      body: { place: 'header Content-Digest' },
    });
    expect(await ask('GET', `/uploads/${id}`)).toMatchObject({
      status: 200,
      body: { received: [1], state: 'open' } satisfies Partial<Upload>,
    });
    await sendPart(id, 2, content.subarray(16));
    expect(await ask('POST', `/uploads/${id}/complete`)).toMatchObject({
      status: 200,
      body: { digest, sizeBytes: 30 },
    });
  });

  test('an upload is its owner’s, limited and can be dropped', async () => {
    expect(await post('/uploads', { sizeBytes: 101 })).toMatchObject({
      status: 413,
      body: { code: 'model_too_large' },
    });
    expect(await post('/uploads', { sizeBytes: -1 })).toMatchObject({ status: 400 });
    const { id } = uploadSchema.parse((await post('/uploads', { sizeBytes: 20 })).body);
    expect(await sendPart(id, 1, content.subarray(0, 16), {}, 'sam')).toMatchObject({
      status: 404,
      body: { code: 'upload_not_found' },
    });
    expect(await sendPart(id, 3, content.subarray(0, 16))).toMatchObject({ status: 400 });
    expect((await ask('DELETE', `/uploads/${id}`, {}, 'sam')).status).toBe(404);
    expect((await ask('DELETE', `/uploads/${id}`)).status).toBe(204);
    expect((await ask('GET', `/uploads/${id}`)).status).toBe(404);
    expect((await ask('GET', `/uploads/${encodeURIComponent('../../etc')}`)).status).toBe(404);
  });

  test('an upload of somebody else is answered as one that is not there, also to who may not upload', async () => {
    const { id } = uploadSchema.parse((await post('/uploads', { sizeBytes: 20 })).body);
    expect(await post('/uploads', { sizeBytes: 20 }, 'rita')).toMatchObject({
      status: 403,
      body: { code: 'not_allowed' },
    });
    for (const who of ['sam', 'rita', 'root']) {
      const told = async (one: string) => {
        const { status, body } = await ask('GET', `/uploads/${one}`, {}, who);
        return { status, body: JSON.stringify({ ...(body as object), requestId: '' }).replaceAll(one, 'ID') };
      };
      expect(await told(id)).toMatchObject({ status: 404 });
      expect(await told(id)).toEqual(await told('none'));
    }
  });

  test('known content is reused only for who sees everything', async () => {
    await upload();
    const state = async (who: string) =>
      uploadSchema.parse((await post('/uploads', { sizeBytes: 30, sha256: digest }, who)).body).state;
    expect(await state('root')).toBe('completed');
    expect(await state('alice')).toBe('open');
    expect(await state('limited')).toBe('open');
  });

  test('a token that is limited to an endpoint, or to other actions, reads no model', async () => {
    expect(await post('/models', { name: 'limits' })).toMatchObject({ status: 201 });
    expect((await ask('GET', '/models/limits', {}, 'limited')).status).toBe(404);
    expect(await ask('GET', '/models', {}, 'limited')).toMatchObject({ status: 200, body: { items: [] } });
    expect(await ask('GET', '/models/limits', {}, 'uploader')).toMatchObject({
      status: 403,
      body: { code: 'not_allowed' },
    });
    expect((await ask('GET', '/models', {}, 'uploader')).status).toBe(403);
  });

  test('a model is made, read and listed by those who see it', async () => {
    const made = await post('/models', { name: 'Fraud & Co' });
    expect(made).toMatchObject({ status: 201, body: { name: 'Fraud & Co', team: 'default', latestVersion: null } });
    expect(modelSchema.parse((await ask('GET', '/models/Fraud%20%26%20Co')).body)).toEqual(made.body);
    expect(await ask('GET', '/models?limit=1')).toMatchObject({ status: 200, body: { items: [made.body] } });
    expect(await ask('GET', '/models', {}, 'sam')).toMatchObject({ status: 200, body: { items: [] } });
    expect(await ask('GET', '/models/Fraud%20%26%20Co', {}, 'sam')).toMatchObject({
      status: 404,
      body: { code: 'model_not_found' },
    });
    expect(await post('/models', { name: 'fraud & co' })).toMatchObject({
      status: 409,
      body: { code: 'model_exists' },
    });
    expect(await post('/models', { name: 'x' }, 'rita')).toMatchObject({ status: 403, body: { code: 'not_allowed' } });
    expect(await post('/models', { name: 'x' }, 'nobody')).toMatchObject({ status: 401 });
  });

  test.each(['', ' x', 'a/b', '..', 'a\u0000b', 'x'.repeat(257), 'a:1', '\ud800'])(
    'no model is called %j',
    async (name) => {
      expect(await post('/models', { name })).toMatchObject({ status: 400, body: { code: 'invalid_request' } });
    },
  );

  test('a version is registered, read, listed and downloaded', async () => {
    await post('/models', { name: 'm' });
    await upload();
    const version = await register('m');
    expect(version).toMatchObject({ model: 'm', number: 1, digest, sizeBytes: 30 });
    expect(await ask('GET', '/models/m/versions/1')).toMatchObject({ status: 200, body: version });
    expect(await ask('GET', '/models/m/versions')).toMatchObject({ status: 200, body: { items: [version] } });
    const file = await app.inject({ url: '/api/v1/models/m/versions/1/file', headers: { authorization: 'rita' } });
    expect(file.rawPayload).toEqual(content);
    expect(file.headers).toMatchObject({
      etag: `"${digest}"`,
      'content-length': '30',
      'content-disposition': "attachment; filename*=UTF-8''m-1.onnx",
    });
    expect(await ask('GET', '/models/m/versions/2')).toMatchObject({
      status: 404,
      body: { code: 'version_not_found' },
    });
    expect((await ask('GET', '/models/m/versions/0')).status).toBe(400);
    expect((await ask('GET', '/models/m/versions/1/file', {}, 'sam')).status).toBe(404);
    expect((await ask('GET', '/models/m/versions?after=bm9uc2Vuc2U')).status).toBe(400);
    expect(await post('/models/m/versions', { digest: 'a'.repeat(64) })).toMatchObject({
      status: 404,
      body: { code: 'object_not_found' },
    });
    expect((await post('/models/m/versions', { digest: '../x' })).status).toBe(400);
    expect((await post('/models/m/versions', { digest }, 'rita')).status).toBe(403);
    expect((await post('/models/m/versions', { digest }, 'sam')).status).toBe(404);
  });

  test('a registration may be larger than other requests, because it may bring a sample, but not without end', async () => {
    const ofMegabytes = async (megabytes: number) => {
      const description = 'x'.repeat(megabytes * 1024 * 1024);
      return (await post('/models/m/versions', { digest, description })).status;
    };
    expect(await ofMegabytes(8)).toBe(400);
    expect(await ofMegabytes(17)).toBe(413);
  });

  test('no route changes a version', async () => {
    for (const method of ['PUT', 'PATCH', 'DELETE', 'POST'] as const) {
      expect((await ask(method, '/models/m/versions/1', { payload: {} })).status).toBe(405);
    }
  });

  test('an alias is set, moved and removed', async () => {
    await post('/models', { name: 'aliased' });
    await upload();
    await register('aliased');
    const set = (payload: object, who?: string) => ask('PUT', '/models/aliased/aliases/champion', { payload }, who);
    expect(await set({ version: 1 })).toMatchObject({
      status: 200,
      body: { model: 'aliased', alias: 'champion', version: 1 },
    });
    expect(await set({ version: 2 })).toMatchObject({ status: 404, body: { code: 'version_not_found' } });
    expect((await set({ version: 1 }, 'rita')).status).toBe(403);
    expect((await set({ version: 1 }, 'sam')).status).toBe(404);
    expect((await ask('PUT', '/models/aliased/aliases/latest', { payload: { version: 1 } })).status).toBe(400);
    expect(await ask('GET', '/models/aliased')).toMatchObject({ body: { aliases: { champion: 1 } } });
    expect((await ask('DELETE', '/models/aliased/aliases/champion')).status).toBe(204);
    expect(await ask('DELETE', '/models/aliased/aliases/champion')).toMatchObject({
      status: 404,
      body: { code: 'alias_not_found' },
    });
  });
});
