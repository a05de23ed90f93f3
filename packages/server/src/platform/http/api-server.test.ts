import { Readable } from 'node:stream';
import { MusterError, type RouteName, openApiDocument, problemSchema, routes } from '@muster-ml/protocol';
import type { FastifyInstance } from 'fastify';
import { pino } from 'pino';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type TestDatabase, openTestDatabase } from '../../../test-support/database.ts';
import { systemClock } from '../clock/index.ts';
import { type RouteHandlers, createApiServer, createIdempotency } from './index.ts';
import { referencePage } from './reference-page.ts';

const time = new Date(0).toISOString();
const model = {
  name: 'fraud',
  team: 'default',
  description: '',
  tags: {},
  latestVersion: null,
  aliases: {},
  createdAt: time,
  createdBy: 'ana',
};

describe('the management API', () => {
  let database: TestDatabase;
  let app: FastifyInstance;
  let created = 0;

  beforeAll(async () => {
    database = await openTestDatabase('sqlite');
    const some: Partial<RouteHandlers<RouteName, string>> = {
      modelCreate: async ({ body }) => {
        created += 1;
        if (body.name === 'taken') throw new MusterError('model_exists', 'there is a model taken');
        if (body.name === 'bug') throw new TypeError('password=hunter2');
        return { ...model, name: body.name };
      },
      modelGet: async ({ params }) => ({ ...model, name: params.model }),
      versionFile: async () => ({ stream: Readable.from([Buffer.from('bytes')]), sizeBytes: 5, etag: 'abc' }),
      aliasDelete: async () => undefined,
      endpointUpdate: async ({ ifMatch }) => {
        if (ifMatch !== 7) throw new MusterError('stale_revision', 'it is at revision 7');
        return { revision: 8 } as never;
      },
      operationWatch: async () => ({
        events: async function* events() {
          yield { state: 'running' };
          yield { state: 'succeeded' };
        },
      }),
      uploadPart: async ({ body }) => {
        let size = 0;
        for await (const chunk of body) size += (chunk as Buffer).length;
        return { sizeBytes: size } as never;
      },
    };
    app = createApiServer<string>({
      authenticate: async (authorization) => {
        if (authorization !== 'Bearer good') throw new MusterError('token_missing', 'the request carries no token');
        return 'ana';
      },
      callerId: (caller) => caller,
      handlers: some as RouteHandlers<RouteName, string>,
      idempotency: createIdempotency({ database: database.database, clock: systemClock }),
      logger: pino({ level: 'silent' }),
    });
    await app.ready();
  });
  afterAll(async () => {
    await app.close();
    await database.close();
  });

  const headers = { authorization: 'Bearer good' };

  it('refuses every route without a token, as a problem document with a request id', async () => {
    for (const route of Object.values(routes)) {
      const url = route.path.replaceAll(/\{\w+\}/g, '1');
      const answer = await app.inject({ method: route.method, url });
      expect(answer.statusCode, `${route.method} ${url}`).toBe(401);
      expect(answer.headers['content-type']).toBe('application/problem+json');
      expect(problemSchema.parse(answer.json())).toMatchObject({
        code: 'token_missing',
        requestId: answer.headers['x-request-id'],
      });
    }
  });

  it('answers with the status of the route and the caller’s own request id', async () => {
    const answer = await app.inject({
      method: 'POST',
      url: '/api/v1/models',
      headers: { ...headers, 'x-request-id': 'mine-1' },
      payload: { name: 'fraud' },
    });
    expect(answer.statusCode).toBe(201);
    expect(answer.headers['x-request-id']).toBe('mine-1');
    expect(answer.json()).toMatchObject({ name: 'fraud' });
  });

  it('decodes a percent-encoded name within its segment', async () => {
    const answer = await app.inject({
      method: 'GET',
      url: `/api/v1/models/${encodeURIComponent('Ärger & Söhne?')}`,
      headers,
    });
    expect(answer.json()).toMatchObject({ name: 'Ärger & Söhne?' });
  });

  it.each([
    ['no percent-encoded UTF-8', '%ff', 400, 'invalid_request'],
    ['longer than any name', 'x'.repeat(5000), 404, 'route_not_found'],
  ])('answers a path that is %s in its own form, and does not repeat it', async (_what, name, status, code) => {
    const answer = await app.inject({ method: 'GET', url: `/api/v1/models/${name}`, headers });
    expect(answer.headers['content-type']).toBe('application/problem+json');
    expect(problemSchema.parse(answer.json())).toMatchObject({ status, code });
    expect(answer.body).not.toContain(name);
  });

  it('names each fault of a body, and the field that was probably meant', async () => {
    const answer = await app.inject({
      method: 'POST',
      url: '/api/v1/models',
      headers,
      payload: { name: 'a/b', descripton: 'x' },
    });
    expect(answer.statusCode).toBe(400);
    const problem = problemSchema.parse(answer.json());
    expect(problem.detail).toContain('body.name');
    expect(problem.detail).toContain('unknown field `descripton`; the nearest known one is `description`');
  });

  it('names the position of a fault in JSON', async () => {
    const answer = await app.inject({
      method: 'POST',
      url: '/api/v1/models',
      headers: { ...headers, 'content-type': 'application/json' },
      payload: '{"name": ',
    });
    expect(answer.statusCode).toBe(400);
    expect(answer.json()).toMatchObject({ code: 'invalid_json' });
  });

  it('survives JSON that is nested 10,000 deep', async () => {
    const deep = '['.repeat(10_000) + ']'.repeat(10_000);
    const answer = await app.inject({
      method: 'POST',
      url: '/api/v1/models',
      headers: { ...headers, 'content-type': 'application/json' },
      payload: deep,
    });
    expect(answer.statusCode).toBe(400);
  });

  it('refuses a body over the limit with 413 and another media type with 415', async () => {
    const large = await app.inject({
      method: 'POST',
      url: '/api/v1/models',
      headers,
      payload: { name: 'x', description: 'y'.repeat(5_000_000) },
    });
    expect(large.statusCode).toBe(413);
    expect(large.json()).toMatchObject({ code: 'body_too_large' });
    const form = await app.inject({
      method: 'POST',
      url: '/api/v1/models',
      headers: { ...headers, 'content-type': 'text/csv' },
      payload: 'a,b',
    });
    expect(form.statusCode).toBe(415);
  });

  it('shows a conflict as 409 and a bug as 500 without its text', async () => {
    const conflict = await app.inject({ method: 'POST', url: '/api/v1/models', headers, payload: { name: 'taken' } });
    expect(conflict.statusCode).toBe(409);
    expect(conflict.json()).toMatchObject({ code: 'model_exists' });
    const bug = await app.inject({ method: 'POST', url: '/api/v1/models', headers, payload: { name: 'bug' } });
    expect(bug.statusCode).toBe(500);
    expect(bug.body).not.toContain('hunter2');
  });

  it('answers an unknown route with 404 and a wrong method with 405 and Allow', async () => {
    expect((await app.inject({ method: 'GET', url: '/api/v1/nothing', headers })).statusCode).toBe(404);
    const wrong = await app.inject({ method: 'DELETE', url: '/api/v1/models/fraud', headers });
    expect(wrong.statusCode).toBe(405);
    expect(wrong.headers['allow']).toBe('GET');
  });

  it('tolerates a trailing slash', async () => {
    expect((await app.inject({ method: 'GET', url: '/api/v1/models/fraud/', headers })).statusCode).toBe(200);
  });

  it('takes If-Match as the revision, answers the new ETag, and 412 when it is stale', async () => {
    const patch = { method: 'PATCH', url: '/api/v1/endpoints/fraud', payload: {} } as const;
    const good = await app.inject({ ...patch, headers: { ...headers, 'if-match': '"7"' } });
    expect(good.headers['etag']).toBe('"8"');
    expect((await app.inject({ ...patch, headers: { ...headers, 'if-match': '"6"' } })).statusCode).toBe(412);
    expect((await app.inject({ ...patch, headers: { ...headers, 'if-match': 'nonsense' } })).statusCode).toBe(400);
  });

  it('repeats the first answer for an idempotency key and has no second effect', async () => {
    const before = created;
    const request = {
      method: 'POST',
      url: '/api/v1/models',
      headers: { ...headers, 'idempotency-key': 'k1' },
      payload: { name: 'once' },
    } as const;
    const first = await app.inject(request);
    const second = await app.inject(request);
    expect(second.statusCode).toBe(201);
    expect(second.body).toBe(first.body);
    expect(created).toBe(before + 1);
    const other = await app.inject({ ...request, payload: { name: 'other' } });
    expect(other.statusCode).toBe(409);
    expect(other.json()).toMatchObject({ code: 'idempotency_conflict' });
  });

  it('streams bytes with their size and digest, takes bytes, and answers 204 with nothing', async () => {
    const file = await app.inject({ method: 'GET', url: '/api/v1/models/fraud/versions/1/file', headers });
    expect(file.body).toBe('bytes');
    expect(file.headers).toMatchObject({ 'content-length': '5', etag: '"abc"' });
    const part = await app.inject({
      method: 'PUT',
      url: '/api/v1/uploads/u/parts/1',
      headers: { ...headers, 'content-type': 'application/octet-stream' },
      payload: Buffer.alloc(10_000),
    });
    expect(part.json()).toEqual({ sizeBytes: 10_000 });
    const gone = await app.inject({ method: 'DELETE', url: '/api/v1/models/fraud/aliases/champion', headers });
    expect([gone.statusCode, gone.body]).toEqual([204, '']);
  });

  it('sends events as they come', async () => {
    const answer = await app.inject({ method: 'GET', url: '/api/v1/operations/1/events', headers });
    expect(answer.headers['content-type']).toBe('text/event-stream');
    expect(answer.body).toBe('data: {"state":"running"}\n\ndata: {"state":"succeeded"}\n\n');
  });

  it('is described by an OpenAPI document with every route and its action, and by a page that needs nothing else', () => {
    const document = openApiDocument('1.2.3') as { paths: Record<string, Record<string, { 'x-action': string }>> };
    const described = Object.values(document.paths).flatMap((methods) => Object.values(methods));
    expect(described).toHaveLength(Object.keys(routes).length);
    expect(described.every((operation) => operation['x-action'].includes('.'))).toBe(true);
    const page = referencePage(document);
    expect(page).toContain('/api/v1/endpoints/{endpoint}/deployments');
    expect(page).not.toMatch(/<script|https?:\/\//);
  });
});
