import { once } from 'node:events';
import { type IncomingMessage, type ServerResponse, createServer as createHttp } from 'node:http';
import { createServer as createHttps } from 'node:https';
import type { AddressInfo, Server } from 'node:net';
import { afterEach, expect, it } from 'vitest';
import { certificates } from '../../../test-support/certificates.ts';
import { type GatewayClient, createGatewayClient } from './gateway-client.ts';

const ends: (() => void)[] = [];
afterEach(() => {
  for (const end of ends.splice(0)) end();
});

async function listening(server: Server & { closeAllConnections(): void }, scheme: string): Promise<string> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  ends.push(() => {
    server.closeAllConnections();
    server.close();
  });
  return `${scheme}://localhost:${(server.address() as AddressInfo).port}`;
}

function clientOf(url: string, certificate?: string, timeoutMs = 5000): GatewayClient {
  const client = createGatewayClient({ url, certificate, endpoint: 'e', token: 'secret', maxInFlight: 2, timeoutMs });
  ends.push(() => client.close());
  return client;
}

const request = { path: '/v2/models/e/infer', headers: {}, body: new Uint8Array([1]) };
const answering =
  (status: number, text: string) =>
  (_request: IncomingMessage, response: ServerResponse): void =>
    void response.writeHead(status).end(text);

it('names the version of an answer, and the code of a refusal, in either protocol', async () => {
  const outcomes = async (status: number, text: string): Promise<unknown> =>
    await clientOf(await listening(createHttp(answering(status, text)), 'http')).send(request);
  expect(await outcomes(200, '{"model_name":"e","model_version":"12","outputs":[]}')).toEqual({
    isAnswered: true,
    version: '12',
  });
  expect(await outcomes(429, '{"code":"rate_exceeded","title":"Too fast"}')).toEqual({
    isAnswered: false,
    why: '429 rate_exceeded',
  });
  expect(await outcomes(503, '{"error":"endpoint_not_ready: no replica. Wait."}')).toEqual({
    isAnswered: false,
    why: '503 endpoint_not_ready',
  });
  expect(await outcomes(502, '<html>')).toEqual({ isAnswered: false, why: '502' });
});

it('counts what does not answer in time, and what cannot be reached', async () => {
  const url = await listening(
    createHttp(() => {}),
    'http',
  );
  expect(await clientOf(url, undefined, 50).send(request)).toEqual({ isAnswered: false, why: 'no answer in time' });
  expect(await clientOf('http://localhost:1').send(request)).toMatchObject({ isAnswered: false, why: 'ECONNREFUSED' });
});

it('waits until the gateway knows the token, and takes the example row', async () => {
  let asked = 0;
  const server = createHttp((incoming, response) => {
    asked += 1;
    expect(incoming.headers.authorization).toBe('Bearer secret');
    if (asked < 3) return answering(401, '{"code":"token_invalid"}')(incoming, response);
    return answering(200, '{"example":{"rows":[{"x":1}]}}')(incoming, response);
  });
  const example = await clientOf(await listening(server, 'http')).exampleRequest();
  expect([asked, example.path, new TextDecoder().decode(example.body)]).toEqual([
    3,
    '/predict/e',
    '{"rows":[{"x":1}]}',
  ]);
});

it('trusts the certificate of this machine whatever name is in it, and no other', async () => {
  const { first, second } = certificates;
  const url = await listening(createHttps(first, answering(200, '{}')), 'https');
  expect(await clientOf(url, first.cert).send(request)).toMatchObject({ isAnswered: true });
  expect(await clientOf(url, second.cert).send(request)).toMatchObject({ isAnswered: false });
  expect(await clientOf(url).send(request)).toMatchObject({ isAnswered: false });
});

it('sends again what a kept connection lost that was closed at the other end', async () => {
  let seen = 0;
  const server = createHttp((incoming, response) => {
    seen += 1;
    // The second request on the connection finds it closed.
    if (seen === 2) return void incoming.socket.resetAndDestroy();
    return answering(200, '{}')(incoming, response);
  });
  const client = clientOf(await listening(server, 'http'));
  expect(await client.send(request)).toMatchObject({ isAnswered: true });
  expect(await client.send(request)).toMatchObject({ isAnswered: true });
  expect(seen).toBe(3);
});
