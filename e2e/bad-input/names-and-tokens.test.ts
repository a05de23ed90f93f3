import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { type Route, routes } from '@muster-ml/protocol';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { handOver, registerFile } from '../support/hand-over.ts';
import {
  type Place,
  type RunningMuster,
  launcher,
  makePlace,
  removePlace,
  root,
  startMuster,
} from '../support/muster.ts';
import { send } from '../support/authorization/send.ts';
import { sendRaw } from '../support/raw-http.ts';

const model = join(root, 'packages/runtime-onnx/fixtures/identity-fp32.onnx');
const row = { inputs: [{ name: 'x', datatype: 'FP32', shape: [1, 3], data: [1, 2, 3] }] };
const long = 'x'.repeat(10_000);

/** A name for the title of a test, and the name itself. */
function titled(name: string): [string, string] {
  return [name.length > 60 ? `${name.length} characters` : JSON.stringify(name), name];
}

let place: Place;
let muster: RunningMuster;

beforeAll(async () => {
  place = await makePlace();
  muster = await startMuster(place);
  await handOver(muster.client, 'known', model);
});
afterAll(async () => {
  await muster.stop();
  await removePlace(place);
});

async function call(method: string, path: string, body?: unknown, token: string | undefined = muster.token) {
  const response = await fetch(muster.url + path, {
    method,
    headers: {
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  return { status: response.status, headers: response.headers, text: await response.text() };
}

async function run(...words: readonly string[]): Promise<{ code: number | null; stdout: string; stderr: string }> {
  const child = spawn(process.execPath, [launcher, ...words, '--server', muster.url], {
    env: { ...place.environment, LANG: 'C.UTF-8' },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'close')]);
  return { code: child.exitCode, stdout, stderr };
}

describe('the name of a model', () => {
  it.each([
    ['a path upwards', '../../etc/passwd'],
    ['dots', '..'],
    ['a dot', '.'],
    ['a separator of paths', 'a/b'],
    ['a separator of versions', 'a:1'],
    ['a control character', 'a\u0000b'],
    ['a line break', 'a\nb'],
    ['half of a surrogate pair', 'a\ud83d'],
    ['a space at its end', 'a '],
    ['nothing', ''],
    ['257 characters', 'x'.repeat(257)],
    ['10,000 characters', long],
  ])('is not made of %s', async (_what, name) => {
    const answer = await call('POST', '/api/v1/models', { name });
    expect(JSON.parse(answer.text)).toMatchObject({ code: 'invalid_request', place: 'body.name' });
    expect(answer.status).toBe(400);
    expect(answer.text.length).toBeLessThan(2000);
  });

  it.each(
    ['Zählung 模型 🚀', '模'.repeat(256), '🚀'.repeat(128), '..a', 'a%2Fb', 'a?b#c', "it's", '__proto__'].map(titled),
  )('may be %s, wherever it is used', async (_title, name) => {
    expect(await registerFile(muster.client, name, model)).toBe(1);
    expect((await muster.client.call('modelGet', { params: { model: name } })).name).toBe(name);
    await muster.client.call('aliasSet', { params: { model: name, alias: 'champion' }, body: { version: 1 } });
    const operation = await muster.client.call('deploy', {
      params: { endpoint: 'free-name' },
      body: { model: name, alias: 'champion' },
    });
    expect((await muster.client.follow(operation)).state).toBe('succeeded');
    const answer = await call('POST', '/predict/free-name', { rows: [{ f0: 1, f1: 2, f2: 3 }] });
    expect(JSON.parse(answer.text)).toMatchObject({ model: name });
  });

  it('with a path upwards finds nothing, however it is written', async () => {
    for (const name of ['..%2f..%2fetc%2fpasswd', '%2e%2e%2f%2e%2e', '..%5c..', '%00', '%F0%9F%98%80', long]) {
      const answer = await call('GET', `/api/v1/models/${name}/versions/1/file`);
      expect([400, 404]).toContain(answer.status);
      expect(JSON.parse(answer.text)).toMatchObject({ status: answer.status });
      expect(answer.text.length).toBeLessThan(2000);
    }
    const undecodable = await call('GET', '/api/v1/models/%ff');
    expect(undecodable.headers.get('content-type')).toBe('application/problem+json');
    expect(JSON.parse(undecodable.text)).toMatchObject({ status: 400, code: 'invalid_request', place: 'path' });
  });
});

describe('the name of an endpoint', () => {
  const bad: readonly [string, string][] = [
    '../x',
    'Fraud',
    'fraud_eu',
    'zählung',
    '模型',
    '-a',
    'a--b',
    '1a',
    '',
    'x'.repeat(54),
    long,
  ].map(titled);

  it.each(bad)('is not %s', async (_title, name) => {
    const path = `/api/v1/endpoints/${encodeURIComponent(name)}/deployments`;
    const answer = await call('POST', path, { model: 'known', version: 1 });
    expect([400, 404]).toContain(answer.status);
    const problem = JSON.parse(answer.text) as { code: string; detail: string };
    expect(problem.code).toMatch(/^(invalid_request|route_not_found)$/);
    expect(answer.text.length).toBeLessThan(2000);
  });

  it.each([...bad, ...['..', '%2e%2e', '😀', '%00', '__proto__', 'constructor'].map(titled)])(
    'that is not there is 404 for callers: %s',
    async (_title, name) => {
      for (const path of [`/v2/models/${encodeURIComponent(name)}/infer`, `/predict/${encodeURIComponent(name)}`]) {
        const answer = await sendRaw(muster.url, {
          head: `POST ${path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer ${muster.token}\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}`,
        });
        expect(answer.status, `${path.slice(0, 50)}: ${answer.body}`).toBe(
          name === '' && path === '/predict/' ? 405 : 404,
        );
        expect(answer.body.length).toBeLessThan(1000);
      }
    },
  );

  it.each([
    '/v2/models/../../api/v1/status',
    '/v2/../internal/v1/routing',
    '/internal/v1/routing',
    '/%69nternal/v1/routing',
    '//internal/v1/routing',
    '/predict/../../internal/v1/routing',
    '/api/v1/../../internal/v1/routing',
    'http://localhost/internal/v1/routing',
  ])('leads nobody to %s', async (path) => {
    const answer = await sendRaw(muster.url, {
      head: `GET ${path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer ${muster.token}\r\nConnection: close\r\n\r\n`,
    });
    expect([400, 404]).toContain(answer.status);
  });

  it('that does not fit into a head of a request is refused in plain HTTP', async () => {
    expect((await call('GET', `/v2/models/${'模'.repeat(10_000)}`)).status).toBe(431);
  });
});

describe('on the command line', () => {
  it.each([
    ['endpoint', 'show', '../x'],
    ['endpoint', 'show', '..'],
    ['endpoint', 'delete', '--yes', '..'],
    ['endpoint', 'end', 'known', '..'],
    ['predict', '..'],
    ['predict', '模型'],
    ['predict', long],
    ['model', 'show', '..'],
    ['model', 'show', '../../etc/passwd'],
    ['model', 'push', model, '--model', '../x'],
    ['deploy', model, '--name', '../x'],
    ['deploy', model, '--name', long],
  ])('muster %s %s %s is refused with what to do', async (...words) => {
    const { code, stderr } = await run(...words);
    expect([1, 6, 64], stderr).toContain(code);
    expect(stderr).toMatch(/^error: /m);
    expect(stderr).toContain('→');
    expect(stderr.length).toBeLessThan(long.length + 2000);
    expect((await call('POST', '/v2/models/known/infer', row)).status).toBe(200);
  });
});

describe('a token', () => {
  const wrong = (): [string, string | undefined][] => {
    const token = muster.token;
    const last = token.endsWith('a') ? 'b' : 'a';
    return [
      ['none', undefined],
      ['another word', 'Bearer wrong'],
      ['one with another last character', `Bearer ${token.slice(0, -1)}${last}`],
      ['one in upper case', `Bearer ${token.toUpperCase()}`],
      ['one that never was', `Bearer mstp_${'0'.repeat(49)}`],
      ['one of another kind', `Bearer ${token.replace(/^mst./, 'mste')}`],
      [
        'one that looks like an expired web token',
        `Bearer ${['{"alg":"none"}', '{"exp":1}', ''].map((part) => Buffer.from(part).toString('base64url')).join('.')}`,
      ],
      ['a wrong password', `Basic ${Buffer.from('ann:wrong').toString('base64')}`],
      ['the token as user', `Basic ${Buffer.from(`${token}:`).toString('base64')}`],
      ['another scheme', `Token ${token}`],
      ['10,000 characters', `Bearer ${long}`],
    ];
  };
  const places: readonly [string, string][] = [
    ...Object.values(routes).map((route: Route): [string, string] => [
      route.method,
      route.path.replaceAll(/\{(\w+)\}/g, (_match, name: string) => (/version|part/.test(name) ? '1' : 'known')),
    ]),
    ['GET', '/v2/models'],
    ['GET', '/v2/models/known'],
    ['GET', '/v2/models/known/ready'],
    ['GET', '/v2/models/known/versions/1'],
    ['POST', '/v2/models/known/infer'],
    ['POST', '/v2/models/known/versions/1/infer'],
    ['POST', '/v2/repository/index'],
    ['GET', '/predict'],
    ['GET', '/predict/known'],
    ['POST', '/predict/known'],
  ];

  // Guesses are slowed down for each source, so every place is asked from an address of its own.
  const fromEverywhere = places.map(
    (one, at) => [...one, `127.0.${1 + Math.floor(at / 200)}.${1 + (at % 200)}`] as const,
  );
  it.each(fromEverywhere)('is needed for %s %s', async (method, path, from) => {
    for (const [what, authorization] of wrong()) {
      const { status, headers, body } = await send(Number(new URL(muster.url).port), {
        method,
        path,
        from,
        headers: authorization === undefined ? {} : { authorization },
      });
      expect(status, `${what}: ${body}`).toBe(401);
      expect(headers['www-authenticate']).toContain('Bearer');
      expect(body).toMatch(/token_(missing|invalid)/);
      expect(body).not.toContain(muster.token.slice(0, -1));
    }
    expect((await call('GET', '/v2/models/known')).status).toBe(200);
  });

  it('is needed before the caller learns whether an endpoint is there', async () => {
    for (const path of ['/v2/models/known', '/predict/known', '/api/v1/endpoints/known'])
      expect((await call('GET', path, undefined, 'wrong')).text.replaceAll(/[0-9a-f-]{36}/g, 'id')).toBe(
        (await call('GET', path.replace('known', 'other'), undefined, 'wrong')).text.replaceAll(/[0-9a-f-]{36}/g, 'id'),
      );
  });

  it('is not needed to ask for health', async () => {
    for (const path of ['/livez', '/readyz', '/v2', '/v2/health/live', '/v2/health/ready', '/api/openapi.json'])
      expect((await fetch(muster.url + path)).status).toBe(200);
  });

  it('stands in no log', async () => {
    const names = (await readdir(place.dataDir, { recursive: true })).filter((name) => name.includes('.log'));
    expect(names.length).toBeGreaterThan(0);
    for (const name of names)
      expect(await readFile(join(place.dataDir, name), 'utf8')).not.toContain(muster.token.slice(5, 40));
    expect(muster.output()).not.toContain(muster.token.slice(5, 40));
  });
});
