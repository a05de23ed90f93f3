import { type IncomingMessage, type Server, type ServerResponse, createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type LookParts, look } from './look.ts';

let server: Server;
let port: number;
let answer: (request: IncomingMessage, response: ServerResponse) => void;
const seen: IncomingMessage[] = [];

beforeEach(async () => {
  seen.length = 0;
  answer = (_request, response) => void response.end('ok');
  server = createServer((request, response) => {
    seen.push(request);
    answer(request, response);
  });
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  port = (server.address() as AddressInfo).port;
});
afterEach(async () => {
  server.closeAllConnections();
  await new Promise((resolve) => void server.close(resolve));
});

const never = new AbortController().signal;

async function see(url: string, more: Partial<LookParts> & { readonly allowPrivate?: boolean } = {}) {
  const { allowPrivate = true, ...rest } = more;
  const allowedHosts = [
    `127.0.0.1:${port}`,
    `models.example.org:${port}`,
    '127.0.0.1',
    '[::ffff:127.0.0.1]',
    '10.1.2.3',
  ];
  return await look(
    url,
    { rules: { allowedHosts, allowPrivate }, timeoutMs: 2000, userAgent: 'muster/test', ...rest },
    never,
  );
}

describe('a look', () => {
  it('is ok at 2xx, and says how long it took', async () => {
    const found = await see(`http://127.0.0.1:${port}/v2/health/ready?full=1`);
    expect(found).toMatchObject({ ok: true, status: 200, problem: null });
    expect(found.ms).toBeGreaterThan(0);
    expect(seen[0]?.url).toBe('/v2/health/ready?full=1');
  });

  it('shows no credentials, and a host as the address names it', async () => {
    await see(`http://models.example.org:${port}/`, {
      resolveHost: async () => await Promise.resolve([{ address: '127.0.0.1', family: 4 }]),
    });
    expect(seen[0]?.headers).toMatchObject({ host: `models.example.org:${port}`, 'user-agent': 'muster/test' });
    expect(seen[0]?.headers.authorization).toBeUndefined();
    expect(seen[0]?.headers.cookie).toBeUndefined();
  });

  it.each([204, 299])('is ok at %i', async (status) => {
    answer = (_request, response) => void response.writeHead(status).end();
    expect(await see(`http://127.0.0.1:${port}/`)).toMatchObject({ ok: true, status });
  });

  it.each([400, 401, 404, 500, 503])('is not ok at %i, and does not repeat what was answered', async (status) => {
    answer = (_request, response) => void response.writeHead(status).end('a secret');
    expect(await see(`http://127.0.0.1:${port}/`)).toMatchObject({
      ok: false,
      status,
      problem: `it answered ${status}`,
    });
  });

  it('follows no redirect', async () => {
    answer = (_request, response) => void response.writeHead(302, { location: `http://127.0.0.1:${port}/other` }).end();
    const found = await see(`http://127.0.0.1:${port}/`);
    expect(found).toMatchObject({ ok: false, status: 302, problem: 'it answered 302, and a redirect is not followed' });
    expect(seen).toHaveLength(1);
  });

  it('takes no body without end', async () => {
    let isClosed = false;
    answer = (_request, response) => {
      response.on('close', () => (isClosed = true));
      const more = (): void => {
        while (response.write(Buffer.alloc(16 * 1024)));
        response.once('drain', more);
      };
      more();
    };
    expect(await see(`http://127.0.0.1:${port}/`)).toMatchObject({ ok: true });
    await expect.poll(() => isClosed).toBe(true);
  });

  it('gives up after its time, whether the host or its name is slow', async () => {
    answer = () => undefined;
    const problem = 'it did not answer within 50 ms';
    expect(await see(`http://127.0.0.1:${port}/`, { timeoutMs: 50 })).toMatchObject({
      ok: false,
      status: null,
      problem,
    });
    const found = await see(`http://models.example.org:${port}/`, {
      timeoutMs: 50,
      resolveHost: async () => await new Promise(() => undefined),
    });
    expect(found).toMatchObject({ ok: false, problem });
  });

  it('says the code of what went wrong', async () => {
    const found = await look(
      'http://127.0.0.1:1/',
      { rules: { allowedHosts: ['127.0.0.1:1'], allowPrivate: true }, timeoutMs: 2000, userAgent: 'x' },
      never,
    );
    expect(found).toEqual({ ok: false, status: null, ms: null, problem: 'it could not be reached: ECONNREFUSED' });
  });
});

describe('an address that may not be looked at', () => {
  it.each(['http://127.0.0.1/', 'http://[::ffff:127.0.0.1]/', 'http://10.1.2.3/', 'http://2130706433/'])(
    'is refused where it is private: %s',
    async (url) => {
      const found = await see(url, { allowPrivate: false });
      expect(found).toMatchObject({ ok: false, status: null });
      expect(found.problem).toContain('no public address');
      expect(seen).toEqual([]);
    },
  );

  it.each([
    [[{ address: '127.0.0.1', family: 4 }]],
    [[{ address: '::1', family: 6 }]],
    [
      [
        { address: '8.8.8.8', family: 4 },
        { address: '127.0.0.1', family: 4 },
      ],
    ],
  ])('is refused where its name leads to one, also as one of several: %j', async (addresses) => {
    const found = await see(`http://models.example.org:${port}/`, {
      allowPrivate: false,
      resolveHost: async () => await Promise.resolve(addresses),
    });
    expect(found.problem).toMatch(/^models\.example\.org leads to \S+, which is no public address$/);
    expect(seen).toEqual([]);
  });

  it('is refused where its host is not in the list, whatever it leads to', async () => {
    const found = await see('http://other.example.org/', {
      resolveHost: async () => await Promise.reject(new Error('it was asked')),
    });
    expect(found.problem).toBe('its host other.example.org is not in observing.allowedHosts any more');
  });

  it('is asked for once: what was checked is what is connected to', async () => {
    let asked = 0;
    const found = await see(`http://models.example.org:${port}/`, {
      resolveHost: async () => {
        asked += 1;
        // The second answer would be another server.
        return await Promise.resolve([{ address: asked === 1 ? '127.0.0.1' : '127.0.0.2', family: 4 }]);
      },
    });
    expect([found.ok, asked]).toEqual([true, 1]);
  });
});
