import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { type IncomingMessage, type ServerResponse, request as httpRequest } from 'node:http';
import { connect } from 'node:net';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { type FakeControl, createFakeControl } from '../../test-support/fake-control.ts';
import { type FakeModel, type FakeRunner, createFakeRunner } from '../../test-support/fake-runner.ts';
import { aDeployment, aTable, anEndpoint, numbers, silentLog, valuesOf } from '../../test-support/serving-twins.ts';
import type { TokenGrant } from '../identity/index.ts';
import { type Gateway, type GatewayValues, createGateway } from './gateway-server.ts';

const token = `mstp_${'a'.repeat(49)}`;
const narrow = `mstp_${'b'.repeat(49)}`;
const grants: readonly TokenGrant[] = [
  { digest: digestOf(token), tokenId: 't1', actor: 'a', expiresAt: null, predict: '*' },
  { digest: digestOf(narrow), tokenId: 't2', actor: 'b', expiresAt: null, predict: ['other'] },
];

function digestOf(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

const doubled: FakeModel = (inputs) => [
  numbers(
    valuesOf(inputs[0]).map((value) => value * 2),
    'output',
  ),
];
const until = { interval: 5, timeout: 5000 };

const ends: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).toReversed()) await end();
});

interface System {
  readonly gateway: Gateway;
  readonly control: FakeControl;
  readonly runner: FakeRunner;
}

async function aSystem(
  model: FakeModel = doubled,
  handle?: (request: IncomingMessage, response: ServerResponse) => void,
  overrides: Partial<GatewayValues> = {},
): Promise<System> {
  const control = createFakeControl(handle);
  await control.start();
  ends.push(() => control.stop());
  const runner = createFakeRunner({ replicas: { 'd-0': model } });
  await runner.start();
  ends.push(() => runner.stop());
  control.hub.publish(aTable(1, [anEndpoint('e', [aDeployment('d', runner.address)])], { tokens: grants }));
  return { control, runner, gateway: await aGateway(control, overrides) };
}

async function aGateway(control: FakeControl, overrides: Partial<GatewayValues> = {}): Promise<Gateway> {
  const gateway = createGateway({
    ...valuesFor(control),
    gatewayId: 'g1',
    tableFile: `${control.folder}/routing.json`,
    ...overrides,
  });
  ends.push(() => gateway.stop());
  await gateway.start();
  await vi.waitFor(() => expect(gateway.isReady).toBe(true), until);
  return gateway;
}

interface Answer {
  readonly status: number;
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
}

async function call(
  gateway: Gateway,
  method: string,
  path: string,
  options: { readonly headers?: Record<string, string>; readonly body?: string | Buffer } = {},
): Promise<Answer> {
  return await new Promise((resolve, reject) => {
    const request = httpRequest(
      `${gateway.address}${path}`,
      { method, headers: options.headers ?? {}, agent: false },
      (response) => {
        const parts: Buffer[] = [];
        response.on('data', (part: Buffer) => parts.push(part));
        response.on('error', reject);
        response.on('end', () =>
          resolve({
            status: response.statusCode ?? 0,
            headers: response.headers,
            body: Buffer.concat(parts).toString(),
          }),
        );
      },
    );
    request.on('error', reject);
    request.end(options.body);
  });
}

async function infer(gateway: Gateway, value: number, bearer = token): Promise<Answer> {
  const body = JSON.stringify({ inputs: [{ name: 'input', datatype: 'FP64', shape: [1, 1], data: [value] }] });
  return await call(gateway, 'POST', '/v2/models/e/infer', { headers: { authorization: `Bearer ${bearer}` }, body });
}

describe('the gateway', () => {
  test('answers predictions by the table of control', async () => {
    const { gateway } = await aSystem();
    const answer = await infer(gateway, 21);
    expect(answer.status).toBe(200);
    expect(JSON.parse(answer.body)).toMatchObject({ outputs: [{ name: 'output', data: [42] }] });
  });

  test('goes on without control, also over a restart of its own', async () => {
    const { gateway, control } = await aSystem();
    expect((await infer(gateway, 1)).status).toBe(200);
    control.kill();
    expect((await infer(gateway, 1)).status).toBe(200);
    await gateway.stop();
    const again = await aGateway(control);
    await vi.waitFor(async () => expect((await infer(again, 1)).status).toBe(200), until);
  });

  test('forgets a revoked token with the next table, within a second', async () => {
    const { gateway, control, runner } = await aSystem();
    expect((await infer(gateway, 1)).status).toBe(200);
    const startedMs = performance.now();
    control.hub.publish(aTable(2, [anEndpoint('e', [aDeployment('d', runner.address)])], { tokens: grants.slice(1) }));
    await vi.waitFor(async () => expect((await infer(gateway, 1)).status).toBe(401), until);
    expect(performance.now() - startedMs).toBeLessThan(1000);
  });

  test('hides an endpoint from a token that does not reach it', async () => {
    const { gateway } = await aSystem();
    expect((await infer(gateway, 1, narrow)).status).toBe(404);
  });

  test('is alive always, and ready while it has a table and does not drain', async () => {
    const { gateway } = await aSystem();
    expect((await call(gateway, 'GET', '/livez')).status).toBe(200);
    expect(JSON.parse((await call(gateway, 'GET', '/readyz')).body)).toEqual({ status: 'ready' });
    const lone = createFakeControl();
    ends.push(() => lone.stop());
    const starting = createGateway(valuesFor(lone));
    ends.push(() => starting.stop());
    await starting.start();
    const answer = await call(starting, 'GET', '/readyz');
    expect(answer.status).toBe(503);
    expect(answer.body).toContain('no routing table');
    expect((await call(starting, 'GET', '/livez')).status).toBe(200);
    expect((await call(starting, 'POST', '/livez')).status).toBe(405);
  });

  test('finishes what it accepted when it drains, and takes nothing new', async () => {
    let release = (): void => undefined;
    const held: FakeModel = async (inputs, run) => {
      await new Promise<void>((resolve) => (release = resolve));
      return await doubled(inputs, run);
    };
    const { gateway, runner } = await aSystem(held);
    const answer = infer(gateway, 4);
    await vi.waitFor(() => expect(runner.runs).toHaveLength(1), until);
    const drained = gateway.drain(5000);
    await expect(infer(gateway, 5)).rejects.toThrow(/ECONNREFUSED|ECONNRESET|hang up/);
    release();
    const { status, headers } = await answer;
    expect([status, headers.connection]).toEqual([200, 'close']);
    expect(await drained).toBe(true);
  });

  test('drains no longer than it is told', async () => {
    const { gateway, runner } = await aSystem(() => new Promise(() => undefined));
    const answer = infer(gateway, 4).catch(() => undefined);
    await vi.waitFor(() => expect(runner.runs).toHaveLength(1), until);
    expect(await gateway.drain(20)).toBe(false);
    await gateway.stop();
    await answer;
  });

  test('names the port that is taken', async () => {
    const { gateway, control } = await aSystem();
    const other = createGateway({ ...valuesFor(control), port: Number(new URL(gateway.address).port) });
    await expect(other.start()).rejects.toThrow(expect.objectContaining({ code: 'port_taken' }));
    await other.stop();
  });

  test('answers what is no HTTP with 400, and oversized headers with 431', async () => {
    const { gateway } = await aSystem();
    for (const [sent, status] of [
      ['no http\r\n\r\n', '400'],
      [`GET / HTTP/1.1\r\nx: ${'x'.repeat(40_000)}\r\n\r\n`, '431'],
    ] as const) {
      const socket = connect(Number(new URL(gateway.address).port), '127.0.0.1');
      socket.write(sent);
      const [first] = (await once(socket, 'data')) as [Buffer];
      expect(first.toString()).toContain(`HTTP/1.1 ${status}`);
      socket.destroy();
    }
  });

  test('tells its metrics and those of control as one valid text', async () => {
    const ofControl = '# HELP process_x X.\n# TYPE process_x gauge\nprocess_x{process="control"} 1\n';
    const { gateway, control } = await aSystem(
      doubled,
      (request, response) => response.end(request.url === '/metrics' ? ofControl : ''),
      {
        processMetrics: async () => '# HELP process_x X.\n# TYPE process_x gauge\nprocess_x{process="gateway"} 2\n',
      },
    );
    for (let turn = 0; turn < 3; turn += 1) await infer(gateway, turn);
    const { body } = await call(gateway, 'GET', '/metrics');
    expect(body).toContain('muster_requests_total{endpoint="e",version="1",code="200",process="gateway"} 3');
    expect(body).toContain('muster_batch_rows_count{deployment="d",model="numbers",version="1",process="gateway"} 3');
    expect(body).toContain('# TYPE process_x gauge\nprocess_x{process="gateway"} 2\nprocess_x{process="control"} 1\n');
    expect(body.match(/# TYPE process_x/g)).toHaveLength(1);
    control.kill();
    expect((await call(gateway, 'GET', '/metrics')).status).toBe(200);
  });

  test('tells metrics to everybody on loopback only; else a token is needed', async () => {
    const { gateway } = await aSystem(doubled, undefined, { host: '0.0.0.0' });
    expect((await call(gateway, 'GET', '/metrics')).status).toBe(401);
    expect((await call(gateway, 'GET', '/metrics', { headers: { authorization: `Bearer ${narrow}` } })).status).toBe(
      200,
    );
  });
});

function valuesFor(control: FakeControl): GatewayValues {
  return {
    host: '127.0.0.1',
    port: 0,
    trustedProxies: [],
    control: { address: control.address, token: control.token },
    gatewayId: 'g2',
    tableFile: `${control.folder}/other.json`,
    staleAuthLimitMs: 60_000,
    softwareVersion: '0.0.0',
    faceLimits: { bodyTimeoutMs: 10_000, bodyBytesInFlight: 1e9 },
    newRequestId: () => 'new-id',
    log: silentLog,
  };
}

describe('everything that is no prediction', () => {
  const mirror = (request: IncomingMessage, response: ServerResponse): void => {
    let bytes = 0;
    request.on('data', (part: Buffer) => (bytes += part.length));
    request.on('end', () => {
      response.writeHead(
        201,
        [
          ['X-Twice', 'a'],
          ['X-Twice', 'b'],
          ['Set-Cookie', 'c=1'],
          ['Keep-Alive', 'timeout=1'],
          ['Connection', 'X-Hop'],
          ['X-Hop', 'y'],
        ].flat(),
      );
      response.end(JSON.stringify({ method: request.method, url: request.url, headers: request.headers, bytes }));
    });
  };

  test('goes to control and back, without what belongs to one hop', async () => {
    const { gateway } = await aSystem(doubled, mirror);
    const answer = await call(gateway, 'POST', '/api/v1/models?x=%20', {
      headers: {
        'x-request-id': 'mine',
        connection: 'close, x-secret',
        'x-secret': 's',
        te: 'trailers',
        cookie: 'a=b',
      },
      body: 'hello',
    });
    expect(answer.status).toBe(201);
    expect(answer.headers).toMatchObject({ 'x-twice': 'a, b', 'set-cookie': ['c=1'] });
    expect(answer.headers['x-hop']).toBeUndefined();
    const seen = JSON.parse(answer.body) as {
      method: string;
      url: string;
      headers: Record<string, string>;
      bytes: number;
    };
    expect(seen).toMatchObject({
      method: 'POST',
      url: '/api/v1/models?x=%20',
      bytes: 5,
      headers: { 'x-request-id': 'mine', cookie: 'a=b', 'content-length': '5' },
    });
    expect(seen.headers).not.toHaveProperty('x-secret');
    expect(seen.headers).not.toHaveProperty('te');
  });

  test('says where it came from itself; a stranger is not believed, a trusted proxy is', async () => {
    const forged = {
      'x-forwarded-for': '6.6.6.6',
      'x-forwarded-proto': 'https',
      'x-forwarded-host': 'evil',
      forwarded: 'for=6.6.6.6',
      'x-real-ip': '6.6.6.6',
    };
    const headersSeen = async (gateway: Gateway): Promise<Record<string, string>> =>
      (JSON.parse((await call(gateway, 'GET', '/x', { headers: forged })).body) as { headers: Record<string, string> })
        .headers;
    const { gateway, control } = await aSystem(doubled, mirror);
    const strange = await headersSeen(gateway);
    expect(strange).toMatchObject({
      'x-forwarded-for': '127.0.0.1',
      'x-forwarded-proto': 'http',
      'x-forwarded-host': new URL(gateway.address).host,
      'x-request-id': 'new-id',
    });
    expect(strange).not.toHaveProperty('forwarded');
    expect(strange).not.toHaveProperty('x-real-ip');
    const behind = await aGateway(control, { gatewayId: 'g3', trustedProxies: ['127.0.0.0/8'] });
    expect(await headersSeen(behind)).toMatchObject({
      'x-forwarded-for': '6.6.6.6, 127.0.0.1',
      'x-forwarded-proto': 'https',
      'x-forwarded-host': 'evil',
    });
    const values = valuesFor(control);
    expect(() => createGateway({ ...values, trustedProxies: ['nonsense'] })).toThrow('nonsense');
  });

  test.each([
    ['/api/v1/models', 'application/problem+json', { code: 'control_unavailable', status: 503 }],
    ['/api/2.0/mlflow/experiments/list', 'application/json', { error_code: 'TEMPORARILY_UNAVAILABLE' }],
    ['/ajax-api/2.0/mlflow/runs/search', 'application/json', { error_code: 'TEMPORARILY_UNAVAILABLE' }],
  ])('is refused in the form of its own protocol while control is down: %s', async (path, type, body) => {
    const { gateway, control } = await aSystem();
    control.kill();
    const answer = await call(gateway, 'GET', path);
    expect([answer.status, answer.headers['content-type'], answer.headers['retry-after']]).toEqual([503, type, '1']);
    expect(JSON.parse(answer.body)).toMatchObject(body);
    await control.start();
    expect((await call(gateway, 'GET', path)).status).toBe(200);
  });

  test('never reaches what control keeps for gateways', async () => {
    const { gateway } = await aSystem();
    for (const path of [
      '/internal/v1/routing',
      '/%69nternal/v1/reports',
      '//internal/v1/routing',
      '/Internal/v1/routing',
    ])
      expect((await call(gateway, 'GET', path)).status).toBe(404);
  });

  test('streams: events come as they are sent, and control hears when the caller leaves', async () => {
    let left = false;
    const { gateway } = await aSystem(doubled, (_, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.write('data: 1\n\n');
      response.on('close', () => (left = true));
    });
    const request = httpRequest(`${gateway.address}/api/v1/operations/x/events`, { agent: false });
    request.end();
    const [response] = (await once(request, 'response')) as [IncomingMessage];
    const [event] = (await once(response, 'data')) as [Buffer];
    expect(event.toString()).toBe('data: 1\n\n');
    request.on('error', () => undefined);
    response.on('error', () => undefined);
    request.destroy();
    await vi.waitFor(() => expect(left).toBe(true), until);
  });

  test('streams uploads with flat memory, at the speed at which control reads', async () => {
    const total = 96 * 1024 * 1024;
    const { gateway } = await aSystem(doubled, mirror);
    const chunk = Buffer.alloc(1024 * 1024);
    const before = process.memoryUsage.rss();
    let peak = before;
    const request = httpRequest(`${gateway.address}/upload`, { method: 'PUT', agent: false });
    const answered = once(request, 'response') as Promise<[IncomingMessage]>;
    for (let sent = 0; sent < total; sent += chunk.length) {
      if (!request.write(chunk)) await once(request, 'drain');
      peak = Math.max(peak, process.memoryUsage.rss());
    }
    request.end();
    const [response] = await answered;
    const parts: Buffer[] = [];
    for await (const part of response) parts.push(part as Buffer);
    expect(JSON.parse(Buffer.concat(parts).toString())).toMatchObject({ bytes: total });
    expect(peak - before).toBeLessThan(64 * 1024 * 1024);
  });

  test('hands on an early refusal while the body is still on its way', async () => {
    const { gateway } = await aSystem(doubled, (_, response) => {
      response.writeHead(413, { connection: 'close' }).end('too large');
    });
    const request = httpRequest(`${gateway.address}/upload`, { method: 'PUT', agent: false });
    request.on('error', () => undefined);
    request.write(Buffer.alloc(100_000));
    const [response] = (await once(request, 'response')) as [IncomingMessage];
    expect(response.statusCode).toBe(413);
    request.destroy();
  });

  test('is bounded in number, and in the time in which nothing moves', async () => {
    const { gateway } = await aSystem(doubled, () => undefined, { forward: { maxRequests: 1, idleTimeoutMs: 600 } });
    const first = call(gateway, 'GET', '/slow');
    await vi.waitFor(async () => expect((await call(gateway, 'GET', '/more')).status).toBe(429), until);
    expect((await first).status).toBe(503);
  });

  test('an answer that breaks off is not taken for the whole', async () => {
    const { gateway } = await aSystem(doubled, (_, response) => {
      response.writeHead(200, { 'content-length': '100' });
      response.write('half', () => response.destroy());
    });
    await expect(call(gateway, 'GET', '/half')).rejects.toThrow(/aborted|ECONNRESET|hang up/);
  });
});
