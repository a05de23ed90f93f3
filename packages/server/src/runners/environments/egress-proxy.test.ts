import { mkdtempSync, rmSync } from 'node:fs';
import { type IncomingMessage, type Server, createServer, request } from 'node:http';
import { type AddressInfo, type Socket, connect, createServer as createTcpServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buffer, text } from 'node:stream/consumers';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type EgressProxy, startEgressProxy, upstreamFor } from './egress-proxy.ts';

let folder = '';
let socketFile = '';
const ends: (() => unknown)[] = [];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'muster-egress-'));
  socketFile = join(folder, 's');
});
afterEach(async () => {
  for (const end of ends.splice(0).toReversed()) await end();
  rmSync(folder, { recursive: true, force: true });
});

async function portOf(server: Server | ReturnType<typeof createTcpServer>): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  ends.push(() => new Promise((resolve) => server.close(resolve)));
  return (server.address() as AddressInfo).port;
}

async function start(
  hosts: readonly string[],
  environment: Readonly<Record<string, string>> = {},
): Promise<EgressProxy> {
  const proxy = await startEgressProxy({ socketFile, hosts, environment });
  ends.push(() => proxy.close());
  return proxy;
}

/** An index that says what it was asked. */
const index = async (): Promise<number> =>
  await portOf(
    createServer((incoming, response) => {
      response.setHeader('connection', 'close');
      response.end(
        `${incoming.method} ${incoming.url} ${incoming.headers.host} ${incoming.headers['proxy-authorization']}`,
      );
    }),
  );

/** Sends a request for an address through the proxy. */
function get(url: string, method = 'GET'): Promise<{ readonly status: number; readonly body: string }> {
  return new Promise((resolve, reject) => {
    const headers = { 'proxy-authorization': 'Basic ours', connection: 'close' };
    const sent = request({ socketPath: socketFile, path: url, method, headers }, (response: IncomingMessage) => {
      text(response).then((body) => resolve({ status: response.statusCode ?? 0, body }), reject);
    });
    sent.once('error', reject);
    sent.end();
  });
}

/** Asks for a tunnel, sends something through it right away, and gives all that comes back. */
async function tunnel(target: string, message = ''): Promise<string> {
  const socket: Socket = connect(socketFile);
  socket.write(`CONNECT ${target} HTTP/1.1\r\nHost: ${target}\r\n\r\n${message}`);
  return await text(socket);
}

/** Repeats what it hears, once. */
const echo = async (): Promise<number> =>
  await portOf(
    createTcpServer((socket) => {
      socket.on('error', () => {});
      socket.once('data', (data) => socket.end(`heard ${data.toString()}`));
    }),
  );

describe('the way out of the cage of a build', () => {
  test('leads to the allowed hosts and ports', async () => {
    const port = await index();
    await start([`127.0.0.1:${port}`]);
    expect(await get(`http://127.0.0.1:${port}/simple/alpha/?a=b`)).toEqual({
      status: 200,
      body: `GET /simple/alpha/?a=b 127.0.0.1:${port} undefined`,
    });
  });

  test('leads nowhere else, and remembers where it was asked to', async () => {
    const port = await index();
    const proxy = await start(['pypi.org:443']);
    expect(await get(`http://127.0.0.1:${port}/`)).toMatchObject({ status: 403 });
    expect(await tunnel(`127.0.0.1:${port}`)).toMatch(/^HTTP\/1\.1 403 /);
    expect(await tunnel('pypi.org:80')).toMatch(/^HTTP\/1\.1 403 /);
    expect(await tunnel('pypi.org.evil.example:443')).toMatch(/^HTTP\/1\.1 403 /);
    expect(proxy.refused()).toEqual([`127.0.0.1:${port}`, 'pypi.org:80', 'pypi.org.evil.example:443']);
  });

  test('takes no other kind of request', async () => {
    const port = await index();
    await start([`127.0.0.1:${port}`]);
    expect(await get(`http://127.0.0.1:${port}/`, 'POST')).toMatchObject({ status: 405 });
    expect(await get('/etc/passwd')).toMatchObject({ status: 400 });
    expect(await get('https://127.0.0.1/')).toMatchObject({ status: 400 });
    expect(await tunnel('user@127.0.0.1:1')).toMatch(/^HTTP\/1\.1 403 /);
  });

  test('tunnels bytes both ways', async () => {
    const port = await echo();
    await start([`127.0.0.1:${port}`]);
    expect(await tunnel(`127.0.0.1:${port}`, 'hello')).toMatch(/^HTTP\/1\.1 200 .*\r\n\r\nheard hello$/);
  });

  test('gives all that a host has sent before it hung up, also to one who reads slowly', async () => {
    let sentBytes = 0;
    const port = await portOf(createTcpServer((socket) => socket.on('error', () => {}).end(Buffer.alloc(sentBytes))));
    await start([`127.0.0.1:${port}`]);
    // More than the kernel takes, and less: in between, the rest is with us when the host hangs up.
    for (sentBytes = 65_536; sentBytes <= 10 * 65_536; sentBytes += 65_536) {
      const client = connect(socketFile);
      client.write(`CONNECT 127.0.0.1:${port} HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\n\r\n`);
      await new Promise((resolve) => setTimeout(resolve, 50)); // so slowly
      const { byteLength } = await buffer(client);
      expect(byteLength).toBe('HTTP/1.1 200 Connection established\r\n\r\n'.length + sentBytes);
    }
  });

  test('says when a host cannot be reached', async () => {
    const server = createServer();
    const port = await portOf(server);
    await new Promise((resolve) => server.close(resolve));
    await start([`127.0.0.1:${port}`]);
    expect(await get(`http://127.0.0.1:${port}/`)).toMatchObject({ status: 502 });
    expect(await tunnel(`127.0.0.1:${port}`)).toMatch(/^HTTP\/1\.1 502 /);
  });

  test('goes through the proxy of this machine where there is one, with its password', async () => {
    const asked: string[] = [];
    const upstream = createServer((incoming, response) => {
      asked.push(`${incoming.url} ${incoming.headers['proxy-authorization']}`);
      response.end('from the proxy');
    });
    upstream.on('connect', (incoming: IncomingMessage, socket: Socket) => {
      asked.push(`${incoming.url} ${incoming.headers['proxy-authorization']}`);
      socket.on('error', () => {});
      socket.end('HTTP/1.1 200 OK\r\n\r\nfrom the tunnel');
    });
    const address = `http://ada:p%40ss@127.0.0.1:${await portOf(upstream)}`;
    await start(['index.example:80', 'index.example:443'], { HTTP_PROXY: address, https_proxy: address });
    expect(await get('http://index.example/simple/')).toEqual({ status: 200, body: 'from the proxy' });
    expect(await tunnel('index.example:443')).toMatch(/200 .*\r\n\r\nfrom the tunnel$/);
    const basic = `Basic ${Buffer.from('ada:p@ss').toString('base64')}`;
    expect(asked).toEqual([`http://index.example/simple/ ${basic}`, `index.example:443 ${basic}`]);
  });

  test('closes with all its connections', async () => {
    const silent = createTcpServer((socket) => socket.on('error', () => {}));
    const port = await portOf(silent);
    const proxy = await startEgressProxy({ socketFile, hosts: [`127.0.0.1:${port}`], environment: {} });
    const answer = tunnel(`127.0.0.1:${port}`, 'hello').catch(() => 'cut');
    await new Promise((resolve) => silent.once('connection', resolve));
    await proxy.close();
    expect(await answer).toMatch(/^(HTTP\/1\.1 200.*|cut)?/);
    await expect(get('http://127.0.0.1/')).rejects.toThrow('ENOENT');
  });
});

test.each([
  ['https', 'pypi.org', { HTTPS_PROXY: 'http://proxy:3128' }, 'http://proxy:3128/'],
  ['https', 'pypi.org', { ALL_PROXY: 'proxy:3128' }, 'http://proxy:3128/'],
  ['http', 'pypi.org', { HTTPS_PROXY: 'http://proxy:3128' }, undefined],
  ['https', 'pypi.org', { https_proxy: 'http://proxy:1', NO_PROXY: 'localhost,.pypi.org' }, undefined],
  ['https', 'a.pypi.org', { https_proxy: 'http://proxy:1', no_proxy: 'pypi.org' }, undefined],
  ['https', 'notpypi.org', { https_proxy: 'http://proxy:1', no_proxy: 'pypi.org' }, 'http://proxy:1/'],
  ['https', 'pypi.org', { https_proxy: 'http://proxy:1', no_proxy: '*' }, undefined],
  ['https', 'pypi.org', { https_proxy: 'socks5://proxy:1' }, undefined],
  ['https', 'pypi.org', {}, undefined],
] as const)('the proxy of this machine for %s and %s with %o is %s', (scheme, host, environment, expected) => {
  expect(upstreamFor(scheme, host, { ...environment })?.href).toBe(expected);
});
