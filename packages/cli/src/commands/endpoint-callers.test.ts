import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type EndpointCallers, MusterError, callersSchema, toProblem } from '@muster-ml/protocol';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type Ended, type Home, createHome } from '../../test-support/run-cli.ts';

const zero = { clientErrors: 0, serverErrors: 0, refused: 0, rows: 0, runMs: 0 };
const at = '2026-11-30T09:59:00.000Z';
const answer: EndpointCallers = {
  endpoint: 'fraud',
  from: '2026-11-29T10:00:00.000Z',
  to: '2026-11-30T10:00:00.000Z',
  total: { ...zero, requests: 1200, refused: 800, clientErrors: 3, serverErrors: 1, rows: 2400, runMs: 900 },
  callers: [
    {
      ...zero,
      actor: 'a1',
      name: 'web-shop',
      requests: 1198,
      refused: 800,
      clientErrors: 3,
      serverErrors: 1,
      rows: 2396,
      runMs: 899,
      lastCallAt: at,
      versions: [
        { ...zero, model: 'fraud', version: '4', requests: 1100 },
        { ...zero, model: 'fraud', version: '3', requests: 95 },
        { ...zero, model: '', version: '', requests: 3 },
        { ...zero, model: 'fraud', version: '2', requests: 0, refused: 1 },
      ],
    },
    { ...zero, actor: '01hidden', name: null, requests: 1, rows: 2, lastCallAt: at, versions: [] },
    { ...zero, actor: 'other', name: null, requests: 1, rows: 2, lastCallAt: at, versions: [] },
  ],
  omitted: 0,
};

let home: Home;
let asked: string[];
let answered: EndpointCallers;
let server: ReturnType<typeof createServer>;

beforeEach(async () => {
  home = createHome();
  asked = [];
  answered = answer;
  server = createServer((request, response) => {
    asked.push(request.url ?? '');
    if (request.url?.startsWith('/api/v1/endpoints/fraud/callers') === true)
      response
        .writeHead(200, { 'content-type': 'application/json' })
        .end(JSON.stringify(callersSchema.parse(answered)));
    else {
      const missing = new MusterError('endpoint_not_found', 'there is no endpoint');
      response
        .writeHead(404, { 'content-type': 'application/problem+json' })
        .end(JSON.stringify(toProblem(missing, 'r')));
    }
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
});
afterEach(async () => {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
  home[Symbol.dispose]();
});

async function muster(line: string): Promise<Ended> {
  const { port } = server.address() as AddressInfo;
  const env = { MUSTER_SERVER: `http://127.0.0.1:${port}`, MUSTER_TOKEN: 'a-token-of-the-twin' };
  return await home.run(line.split(' '), { env });
}

test('names who called, most first, with a bar, errors, refusals and versions', async () => {
  const { stdout, code } = await muster('endpoint callers fraud');
  const [title, first, second, third] = stdout.split('\n');
  expect(title).toMatch(/^CALLER +REQUESTS +SHARE +ERRORS +REFUSED +ROWS +LAST CALL +VERSIONS$/);
  expect(first).toMatch(
    /^web-shop +1,198 +\S{10} +100 % +4 +800 +2,396 +2026-11-30\S+ +fraud:4 \(1,100\), fraud:3 \(95\), none \(3\)$/,
  );
  expect(second).toMatch(/^01hidden +1 /);
  expect(third).toMatch(/^\(others\) +1 /);
  expect(asked).toEqual(['/api/v1/endpoints/fraud/callers?hours=24&limit=100']);
  expect(code).toBe(0);
});

test('takes how far back and how many, and prints JSON and names', async () => {
  const { stdout } = await muster('endpoint callers fraud --since 2d --limit 3 --json');
  expect(JSON.parse(stdout)).toEqual(answer);
  expect(asked.at(-1)).toBe('/api/v1/endpoints/fraud/callers?hours=48&limit=3');
  await muster('endpoint callers fraud --since 90m');
  expect(asked.at(-1)).toContain('hours=2&');
  expect((await muster('endpoint callers fraud -o name')).stdout).toBe('web-shop\n01hidden\n(others)\n');
});

test('says where there was nobody, and how to see more', async () => {
  answered = { ...answer, callers: [], total: { ...zero, requests: 0 } };
  expect((await muster('endpoint callers fraud')).stderr).toContain(
    'Nobody called fraud since 2026-11-29T10:00:00.000Z.',
  );
  answered = { ...answer, omitted: 7 };
  expect((await muster('endpoint callers fraud')).stderr).toContain('7 more callers: see them with --limit.');
});

test.each(['0h', '401d', '24', 'yesterday'])('refuses --since %s before it asks', async (since) => {
  const { code, stderr } = await muster(`endpoint callers fraud --since ${since}`);
  expect(code).toBe(64);
  expect(stderr).toContain('--since');
  expect(asked).toEqual([]);
});
