import { once } from 'node:events';
import { type IncomingMessage, type ServerResponse, request as httpRequest } from 'node:http';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { aGateway, aSystem, call, doubled, endGateways, until, valuesFor } from '../../test-support/gateway-twins.ts';
import { type Gateway, createGateway } from './gateway-server.ts';

afterEach(endGateways);

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

  test('streams uploads at the speed at which control reads, so a slow one holds the sender up and not the memory', async () => {
    const total = 64 * 1024 * 1024;
    let read = (): void => undefined;
    const { gateway } = await aSystem(doubled, (request, response) => {
      read = () => mirror(request, response);
    });
    const request = httpRequest(`${gateway.address}/upload`, { method: 'PUT', agent: false });
    const answered = once(request, 'response') as Promise<[IncomingMessage]>;
    const chunk = Buffer.alloc(256 * 1024);
    let sent = 0;
    const sending = (async () => {
      for (; sent < total; sent += chunk.length) if (!request.write(chunk)) await once(request, 'drain');
      request.end();
    })();
    let before = -1;
    const isHeldUp = (): boolean => {
      const isSame = sent === before && sent > 0;
      before = sent;
      return isSame;
    };
    await vi.waitUntil(isHeldUp, { interval: 300, timeout: 10_000 });
    expect(sent).toBeLessThan(total / 4);
    read();
    await sending;
    const [response] = await answered;
    const parts: Buffer[] = [];
    for await (const part of response) parts.push(part as Buffer);
    expect(JSON.parse(Buffer.concat(parts).toString())).toMatchObject({ bytes: total });
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

  test('reads on behind an early refusal, for callers that send all of a body before they look at the answer', async () => {
    const { gateway } = await aSystem(doubled, (_, response) => {
      response.writeHead(413).end('too large');
    });
    const request = httpRequest(`${gateway.address}/upload`, { method: 'PUT', agent: false });
    const answered = once(request, 'response') as Promise<[IncomingMessage]>;
    const chunk = Buffer.alloc(256 * 1024);
    for (let sent = 0; sent < 16 * 1024 * 1024; sent += chunk.length)
      if (!request.write(chunk)) await once(request, 'drain');
    request.end();
    const [response] = await answered;
    expect(response.statusCode).toBe(413);
    response.resume();
    await once(response, 'end');
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
