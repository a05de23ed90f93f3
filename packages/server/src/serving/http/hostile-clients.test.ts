import { type Socket, connect } from 'node:net';
import { gzipSync } from 'node:zlib';
import { MusterError } from '@muster-ml/protocol';
import { afterEach, describe, expect, test } from 'vitest';
import type { PredictRequest } from '../faces.ts';
import { eventually } from '../../../test-support/eventually.ts';
import { type EchoGateway, echoEndpoint, startEchoGateway, token } from '../../../test-support/echo-gateway.ts';

const endpoint = echoEndpoint('fraud', [{ name: 'x', datatype: 'FP32', shape: [-1, -1] }], { bodyBytes: 64 * 1024 });
const large = echoEndpoint('large', [{ name: 'x', datatype: 'FP32', shape: [-1, -1] }], {
  bodyBytes: 64 * 1024 * 1024,
});
const request = '{"inputs":[{"name":"x","datatype":"FP32","shape":[1,2],"data":[1,2]}]}';

let gateway: EchoGateway | undefined;
const sockets: Socket[] = [];

afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy();
  await gateway?.close();
});

/** A connection that writes and collects bytes, without any rules. */
function open(port: number): { readonly socket: Socket; text(): string; isClosed(): boolean; hasFailed(): boolean } {
  const socket = connect(port, '127.0.0.1');
  sockets.push(socket);
  let text = '';
  let isClosed = false;
  let hasFailed = false;
  socket.on('data', (chunk) => (text += chunk.toString('latin1')));
  socket.on('error', () => (hasFailed = true));
  socket.on('close', () => (isClosed = true));
  return { socket, text: () => text, isClosed: () => isClosed, hasFailed: () => hasFailed };
}

function head(lines: readonly string[], name = 'fraud'): string {
  return [`POST /v2/models/${name}/infer HTTP/1.1`, 'Host: x', `Authorization: Bearer ${token}`, ...lines, '', ''].join(
    '\r\n',
  );
}

describe('a body over the limit', () => {
  test('is refused by its announced length, before it is sent, and the connection closes', async () => {
    gateway = await startEchoGateway([endpoint]);
    const client = open(gateway.port);
    client.socket.write(head(['Content-Length: 100000']));
    await eventually(() => client.text().includes('\r\n\r\n'));
    expect(client.text()).toMatch(/^HTTP\/1\.1 413 /);
    expect(client.text()).toMatch(/\r\nConnection: close\r\n/i);
    for (let i = 0; i < 20; i++) {
      await new Promise((resolve, reject) =>
        client.socket.write('x'.repeat(5000), (error) => (error ? reject(error) : resolve(undefined))),
      );
    }
    await eventually(() => client.isClosed());
    // The rest was read, not reset.
    expect(client.hasFailed()).toBe(false);
    expect(client.text()).toMatch(/"error":"body_too_large.*"\}$/);
  });

  test('is answered and not reset where the client sends it all first', async () => {
    gateway = await startEchoGateway([endpoint]);
    for (const body of ['x'.repeat(600_000), 'x'.repeat(100_000)]) {
      const answer = await gateway.infer('fraud', body);
      expect(answer.status).toBe(413);
      expect(answer.headers['content-type']).toBe('application/json');
    }
  });

  test('is refused at the byte too many where its length is not announced', async () => {
    gateway = await startEchoGateway([endpoint]);
    const client = open(gateway.port);
    client.socket.write(head(['Transfer-Encoding: chunked']));
    const chunk = `1000\r\n${'x'.repeat(0x1000)}\r\n`;
    for (let i = 0; i < 17; i++) client.socket.write(chunk);
    await eventually(() => client.text().includes('413'));
    expect(gateway.observations.at(-1)?.requestBytes).toBeLessThan(0x12000);
  });

  test('is refused where it only becomes too large when inflated', async () => {
    gateway = await startEchoGateway([endpoint]);
    const bomb = gzipSync(Buffer.alloc(40 * 1024 * 1024));
    expect(bomb.length).toBeLessThan(64 * 1024);
    const answer = await gateway.call('POST', '/v2/models/fraud/infer', {
      headers: { 'content-encoding': 'gzip' },
      body: bomb,
    });
    expect(answer.status).toBe(413);
    expect((await gateway.infer('fraud', request)).status).toBe(200);
  });
});

describe('a slow client', () => {
  test('whose body does not arrive is answered 408 and loses its connection', async () => {
    gateway = await startEchoGateway([endpoint], {}, { bodyTimeoutMs: 100 });
    const client = open(gateway.port);
    client.socket.write(head(['Content-Length: 60000']) + '{');
    await eventually(() => client.text().includes('408 Request Timeout'));
    expect(gateway.observations.at(-1)).toMatchObject({ status: 408, code: 'body_too_slow' });
  });

  test('that does not read its answer is cut off, and its memory is freed', async () => {
    const data = Array.from({ length: 4_000_000 }, () => 1);
    gateway = await startEchoGateway([large], {}, { bodyTimeoutMs: 500 });
    const body = JSON.stringify({
      inputs: [{ name: 'x', datatype: 'FP32', shape: [1, data.length], data }],
      parameters: { binary_data_output: true },
    });
    const client = open(gateway.port);
    client.socket.pause();
    client.socket.write(head([`Content-Length: ${body.length}`], 'large') + body);
    await eventually(() => (gateway?.observations.length ?? 0) > 0);
    await eventually(async () => (await gateway?.connections()) === 0);
    expect(client.isClosed()).toBe(false);
  });
});

describe('a client that goes away', () => {
  test('while its body is read frees what was held for it', async () => {
    gateway = await startEchoGateway([large, endpoint], {}, { bodyBytesInFlight: 100_000 });
    const client = open(gateway.port);
    client.socket.write(head(['Content-Length: 99000'], 'large') + 'x'.repeat(98_000));
    const answer = async (): Promise<number> => (await gateway?.infer('fraud', request.padEnd(5000)))?.status ?? 0;
    await eventually(async () => (await answer()) === 429);
    client.socket.destroy();
    await eventually(async () => (await answer()) === 200);
    expect(gateway.observations.filter(({ status }) => status === 499)).toMatchObject([
      { code: 'request_cancelled', operation: 'infer', endpoint: 'large' },
    ]);
  });

  test('while its request waits cancels it', async () => {
    const waiting: PredictRequest[] = [];
    let cancelled = 0;
    gateway = await startEchoGateway([endpoint], {
      fraud: (asked) =>
        new Promise((_resolve, reject) => {
          waiting.push(asked);
          asked.cancellation.onCancel(() => {
            cancelled++;
            reject(new MusterError('request_cancelled', 'the caller went away'));
          });
        }),
    });
    const client = open(gateway.port);
    client.socket.write(head([`Content-Length: ${request.length}`]) + request);
    await eventually(() => waiting.length === 1);
    client.socket.destroy();
    await eventually(() => cancelled === 1);
    expect(waiting[0]?.cancellation.cancelled).toBe(true);
    expect(gateway.observations).toMatchObject([{ status: 499 }]);
  });
});

describe('a request that would be read in two ways', () => {
  test.each([
    ['two lengths', ['Content-Length: 5', 'Content-Length: 6']],
    ['a length and chunks', ['Content-Length: 5', 'Transfer-Encoding: chunked']],
    ['a length that is no number', ['Content-Length: 5x']],
    ['a header name with a space', ['Content-Length : 5']],
    ['an unknown transfer coding', ['Transfer-Encoding: chunked, junk']],
  ])('with %s is refused and its connection closed', async (_name, lines) => {
    gateway = await startEchoGateway([endpoint]);
    const client = open(gateway.port);
    client.socket.write(`${head(lines)}0\r\n\r\nGET /v2 HTTP/1.1\r\n\r\n`);
    await eventually(() => client.isClosed());
    expect(client.text()).toMatch(/^HTTP\/1\.1 400 /);
    expect(client.text()).not.toContain('200 OK');
    expect(gateway.requests).toHaveLength(0);
  });

  test('by two different binary headers is 400', async () => {
    gateway = await startEchoGateway([endpoint]);
    const client = open(gateway.port);
    client.socket.write(
      head([
        `Content-Length: ${request.length}`,
        `Inference-Header-Content-Length: ${request.length}`,
        'Inference-Header-Content-Length: 1',
      ]) + request,
    );
    await eventually(() => client.text().includes('invalid_binary_data'));
    expect(client.text()).toMatch(/^HTTP\/1\.1 400 /);
  });
});

test('a connection stays usable after errors, and serves requests that are sent ahead in order', async () => {
  gateway = await startEchoGateway([endpoint]);
  const client = open(gateway.port);
  const good = head([`Content-Length: ${request.length}`, 'X-Request-Id: good']) + request;
  const bad = head(['Content-Length: 2', 'X-Request-Id: bad']) + '{]';
  const unknown = head(['Content-Length: 2', 'X-Request-Id: unknown'], 'nobody') + '{}';
  client.socket.write(good + bad + unknown + good);
  await eventually(() => client.text().split('HTTP/1.1').length === 5);
  const statuses = [...client.text().matchAll(/HTTP\/1\.1 (\d+)/g)].map(([, status]) => status);
  expect(statuses).toEqual(['200', '400', '404', '200']);
  expect(client.isClosed()).toBe(false);
});

test('bodies that together exceed the memory set aside are refused, a single one is not', async () => {
  gateway = await startEchoGateway([large], {}, { bodyBytesInFlight: 1000 });
  expect((await gateway.infer('large', request.padEnd(50_000))).status).toBe(200);
  await eventually(async () => (await gateway?.infer('large', request))?.status === 200);
});

test('a compressed body is held for what it may become only while it is inflated', async () => {
  const finish: (() => void)[] = [];
  gateway = await startEchoGateway(
    [large, endpoint],
    { large: (_asked, echo) => new Promise((resolve) => finish.push(() => resolve(echo()))) },
    { bodyBytesInFlight: 100_000 },
  );
  const first = gateway.call('POST', '/v2/models/large/infer', {
    headers: { 'content-encoding': 'gzip' },
    body: gzipSync(request.padEnd(50_000)),
  });
  await eventually(() => finish.length === 1);
  expect((await gateway.infer('fraud', request)).status).toBe(200);
  finish[0]?.();
  expect((await first).status).toBe(200);
});
