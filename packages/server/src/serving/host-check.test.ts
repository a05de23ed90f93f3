import { once } from 'node:events';
import { IncomingMessage } from 'node:http';
import { Socket, connect } from 'node:net';
import { afterEach, describe, expect, test } from 'vitest';
import {
  type Answer,
  aGateway,
  aSystem,
  call,
  doubled,
  endGateways,
  valuesFor,
} from '../../test-support/gateway-twins.ts';
import { type Gateway, createGateway } from './gateway-server.ts';
import { createHostCheck } from './host-check.ts';

afterEach(endGateways);

async function statusFor(gateway: Gateway, host: string, path = '/livez'): Promise<number> {
  return (await call(gateway, 'GET', path, { headers: { host } })).status;
}

/** The first line of the answer to these bytes. */
async function statusOfRaw(gateway: Gateway, head: string): Promise<string> {
  const socket = connect(Number(new URL(gateway.address).port), '127.0.0.1');
  socket.write(`${head}\r\n\r\n`);
  const [first] = (await once(socket, 'data')) as [Buffer];
  socket.destroy();
  return first.toString().split(' ', 2)[1] ?? '';
}

describe('on loopback without TLS', () => {
  test('the names of this machine are answered, with any port', async () => {
    const { gateway } = await aSystem();
    for (const host of [
      'localhost',
      'LocalHost:7070',
      'localhost.',
      'localhost.:1',
      '127.0.0.1',
      '127.8.9.10:65535',
      '[::1]',
      '[::1]:7070',
      '[0:0:0:0:0:0:0:1]:80',
      '[::ffff:127.0.0.1]',
    ])
      expect([host, await statusFor(gateway, host)]).toEqual([host, 200]);
  });

  test('any other name is refused, on every path: a page whose name was made to mean this machine reads nothing', async () => {
    const { gateway, runner } = await aSystem();
    for (const host of [
      'evil.example',
      'evil.example:7070',
      'localhost.evil.example',
      'evil.localhost',
      'localhost@evil.example',
      'evil.example/localhost',
      'localhost:port',
      'localhost:7070:7070',
      'localhost..',
      '.',
      '127.0.0.1.evil.example',
      '127.1',
      '2130706433',
      '10.0.0.1',
      '0.0.0.0',
      '[::]',
      '[::1',
      '::1',
      '[::1%25lo]',
      '[fe80::1]',
      'localhost, evil.example',
    ])
      expect([host, await statusFor(gateway, host)]).toEqual([host, 403]);
    for (const path of ['/', '/metrics', '/readyz', '/v2', '/v2/models/e/infer', '/predict/e', '/api/v1/models'])
      expect([path, await statusFor(gateway, 'evil.example', path)]).toEqual([path, 403]);
    expect(runner.runs).toHaveLength(0);
  });

  test.each([
    ['/predict/e', 'application/problem+json', { code: 'host_not_allowed', status: 403, place: 'Host' }],
    ['/v2/models/e/infer', 'application/json', { error: expect.stringContaining('gateway.allowedHosts') as string }],
    ['/endpoints/e/invocations', 'application/json', { error_code: 'PERMISSION_DENIED' }],
    ['/api/2.0/mlflow/runs/get', 'application/json', { error_code: 'PERMISSION_DENIED' }],
  ])('the refusal names the host and the remedy in the form of its protocol: %s', async (path, type, body) => {
    const { gateway } = await aSystem();
    const answer: Answer = await call(gateway, 'POST', path, { headers: { host: 'evil.example' }, body: '{}' });
    expect([answer.status, answer.headers['content-type']]).toEqual([403, type]);
    expect(answer.body).toContain('evil.example');
    expect(JSON.parse(answer.body)).toMatchObject(body);
  });

  test('a request without a host is refused, and one with two', async () => {
    const { gateway } = await aSystem();
    expect(await statusOfRaw(gateway, 'GET /livez HTTP/1.0')).toBe('403');
    expect(await statusOfRaw(gateway, 'GET /livez HTTP/1.1\r\nHost:')).toBe('403');
    expect(await statusOfRaw(gateway, 'GET /livez HTTP/1.1')).toBe('400');
    expect(await statusOfRaw(gateway, 'GET /livez HTTP/1.1\r\nHost: localhost\r\nHost: evil.example')).toBe('400');
    expect(await statusOfRaw(gateway, 'GET /livez HTTP/1.1\r\nHost: localhost\r\nhost: localhost')).toBe('400');
  });

  test('a whole address in the request line counts besides the header', async () => {
    const { gateway } = await aSystem();
    const raw = (target: string, host: string): Promise<string> =>
      statusOfRaw(gateway, `GET ${target} HTTP/1.1\r\nHost: ${host}`);
    expect(await raw('http://evil.example/livez', 'localhost')).toBe('403');
    expect(await raw('http://localhost/livez', 'evil.example')).toBe('403');
    expect(await raw('HTTP://EVIL.example:80', 'localhost')).toBe('403');
    expect(await raw('http://localhost@evil.example/livez', 'localhost')).toBe('403');
    // No path of this server is written so, whoever asks.
    expect(await raw('http://localhost/livez', 'localhost')).toBe('404');
  });

  test('names that were allowed are answered besides', async () => {
    const { gateway } = await aSystem(doubled, undefined, {
      allowedHosts: ['Muster.Example.org', '[2001:DB8:0::1]', '10.1.1.1'],
    });
    for (const host of ['muster.example.org', 'MUSTER.example.org.:80', '[2001:db8::1]:1', '10.1.1.1', 'localhost'])
      expect([host, await statusFor(gateway, host)]).toEqual([host, 200]);
    for (const host of ['evil.example', 'a.muster.example.org', 'muster.example.org.evil.example', '10.1.1.2'])
      expect([host, await statusFor(gateway, host)]).toEqual([host, 403]);
  });

  test('a trusted proxy answers for the names that it serves, a stranger with the same headers does not', async () => {
    const { gateway, control } = await aSystem();
    const headers = { host: 'muster.example.org', 'x-forwarded-host': 'localhost', forwarded: 'host=localhost' };
    expect((await call(gateway, 'GET', '/livez', { headers })).status).toBe(403);
    const behind = await aGateway(control, { gatewayId: 'g3', trustedProxies: ['127.0.0.1'] });
    expect((await call(behind, 'GET', '/livez', { headers })).status).toBe(200);
  });
});

describe('elsewhere', () => {
  test('any name is answered while none is allowed by name', async () => {
    const { gateway } = await aSystem(doubled, undefined, { host: '0.0.0.0' });
    expect(await statusFor(gateway, 'anything.example')).toBe(200);
    expect(await statusOfRaw(gateway, 'GET /livez HTTP/1.0')).toBe('200');
  });

  test('else those, this machine, and the address that the connection came in by', async () => {
    const { gateway } = await aSystem(doubled, undefined, { host: '0.0.0.0', allowedHosts: ['muster.example.org'] });
    for (const host of ['muster.example.org', 'localhost:7070', '127.0.0.1'])
      expect([host, await statusFor(gateway, host)]).toEqual([host, 200]);
    for (const host of ['evil.example', '10.0.0.1'])
      expect([host, await statusFor(gateway, host)]).toEqual([host, 403]);
    expect(await statusOfRaw(gateway, 'GET /livez HTTP/1.0')).toBe('403');
  });
});

test('with TLS it is the certificate that names the server, unless names are allowed by name', () => {
  const request = new IncomingMessage(new Socket());
  request.headers = { host: 'evil.example' };
  const options = { host: '127.0.0.1', isTls: true, isTrusted: () => false };
  expect(() => createHostCheck({ ...options, allowedHosts: [] })(request)).not.toThrow();
  expect(() => createHostCheck({ ...options, allowedHosts: ['a.example'] })(request)).toThrow('evil.example');
});

test('what is no host cannot be allowed', async () => {
  const { control } = await aSystem();
  for (const host of ['https://muster.example.org', 'a b', '::::', ''])
    expect(() => createGateway({ ...valuesFor(control), allowedHosts: [host] })).toThrow(
      expect.objectContaining({ code: 'invalid_configuration', place: 'gateway.allowedHosts' }),
    );
});
