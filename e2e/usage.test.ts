import { join } from 'node:path';
import type { EndpointCallers } from '@muster-ml/protocol';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { cli } from './support/command-line.ts';
import { handOver } from './support/hand-over.ts';
import { type Place, type RunningMuster, makePlace, removePlace, root, startMuster } from './support/muster.ts';
import { until } from './support/until.ts';

const model = join(root, 'packages/runtime-onnx/fixtures/identity-fp32.onnx');
const tensor = { name: 'x', datatype: 'FP32', shape: [1, 3], data: [1, 2, 3] };
/** A gateway tells what was called at least each second; one more for a busy machine. */
const toldMs = 10_000;

let place: Place;
let muster: RunningMuster;
let shop: string;
let scanner: string;

beforeAll(async () => {
  place = await makePlace();
  muster = await startMuster(place);
  await handOver(muster.client, 'fraud', model);
  shop = await serviceToken('web-shop');
  scanner = await serviceToken('scanner');
  await asAdmin('access grant fraud web-shop --per-day 20');
  await asAdmin('access grant fraud scanner --rate 1/s');
  for (const token of [shop, scanner])
    await until('the rule lets it in', toldMs, async () => (await read(token)) === 200);
});
afterAll(async () => {
  await muster.stop();
  await removePlace(place);
});

async function asAdmin(line: string): Promise<string> {
  return await cli(muster, line.split(' '));
}

async function serviceToken(name: string): Promise<string> {
  await asAdmin(`actor add ${name} --service --team default`);
  return (await asAdmin(`token create --for ${name}`)).trim();
}

async function send(token: string, path: string, body?: object): Promise<Response> {
  const response = await fetch(`${muster.url}${path}`, {
    method: body === undefined ? 'GET' : 'POST',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  await response.arrayBuffer();
  return response;
}

/** Asks what the endpoint is, which is no call of it. */
async function read(token: string): Promise<number> {
  return (await send(token, '/v2/models/fraud')).status;
}

async function call(token: string): Promise<Response> {
  return await send(token, '/v2/models/fraud/infer', { inputs: [tensor] });
}

async function statuses(token: string, count: number): Promise<number[]> {
  const found: number[] = [];
  for (let turn = 0; turn < count; turn += 1) found.push((await call(token)).status);
  return found;
}

async function callers(): Promise<EndpointCallers> {
  return JSON.parse(await asAdmin('endpoint callers fraud --json')) as EndpointCallers;
}

async function requestsOf(name: string): Promise<number> {
  return (await callers()).callers.find((caller) => caller.name === name)?.requests ?? 0;
}

describe('the callers of an endpoint', () => {
  it('are counted with what they called, what failed and what their limits refused', async () => {
    expect(await statuses(shop, 3)).toEqual([200, 200, 200]);
    const bad = { inputs: [{ ...tensor, shape: [1, 2] }] };
    expect((await send(shop, '/v2/models/fraud/infer', bad)).status).toBe(400);
    expect((await send(shop, '/predict/fraud', { rows: [{ x: [1, 2, 3] }] })).status).toBeLessThan(500);
    const limited = await Promise.all(Array.from({ length: 5 }, async () => await call(scanner)));
    expect(limited.filter(({ status }) => status === 200).length).toBeGreaterThan(0);
    const refused = limited.filter(({ status }) => status === 429);
    expect(refused.length).toBeGreaterThan(0);
    for (const { headers } of refused) expect(headers.get('retry-after')).toBe('1');

    await until('all is told', toldMs, async () => (await requestsOf('web-shop')) === 5);
    const found = await callers();
    const shopped = found.callers.find(({ name }) => name === 'web-shop');
    expect(shopped).toMatchObject({ requests: 5, serverErrors: 0, refused: 0 });
    expect(shopped?.clientErrors).toBeGreaterThanOrEqual(1);
    expect(shopped?.versions).toContainEqual(expect.objectContaining({ model: 'fraud', version: '1' }));
    const scanned = found.callers.find(({ name }) => name === 'scanner');
    expect((scanned?.requests ?? 0) + (scanned?.refused ?? 0)).toBe(5);
    expect(scanned?.refused).toBe(refused.length);
    expect(found.total.requests).toBe(5 + (scanned?.requests ?? 0));
  });

  it('are listed by the command line, and for nobody who may not see the endpoint', async () => {
    const text = await asAdmin('endpoint callers fraud --since 2h');
    expect(text).toMatch(/^CALLER +REQUESTS +SHARE +ERRORS/m);
    expect(text).toMatch(/^web-shop +5 /m);
    // Who only calls it may not ask who else does.
    expect((await send(shop, '/api/v1/endpoints/fraud/callers')).status).toBe(403);
    expect((await send(shop, '/api/v1/endpoints/absent/callers')).status).toBe(404);
    expect(await asAdmin('fleet --json')).toContain('"requests":');
  });
});

describe('a day’s quota', () => {
  it('ends at its number, and no restart gives it back', async () => {
    await statuses(shop, 14);
    expect(await statuses(shop, 2)).toEqual([200, 429]);
    await until('all is told', toldMs, async () => (await requestsOf('web-shop')) === 20);
    const response = await call(shop);
    expect(Number(response.headers.get('retry-after'))).toBeGreaterThan(0);

    const [gateway = 0] = await muster.pids('gateway');
    process.kill(gateway, 'SIGKILL');
    await until('another gateway answers', 60_000, async () => (await read(shop).catch(() => 0)) === 200);
    expect(await statuses(shop, 2)).toEqual([429, 429]);

    const [control = 0] = await muster.pids('control');
    process.kill(control, 'SIGKILL');
    await until('control is back', 60_000, async () => (await send(muster.token, '/api/v1/whoami')).status === 200);
    expect(await statuses(shop, 2)).toEqual([429, 429]);

    await muster.stop();
    muster = await startMuster(place);
    expect(await statuses(shop, 2)).toEqual([429, 429]);
    expect(await requestsOf('web-shop')).toBe(20);
  });

  it('that is raised lets in again within a second', async () => {
    await asAdmin('access grant fraud web-shop --per-day 30');
    await until('it lets in', toldMs, async () => (await call(shop)).status === 200);
    await until('it is told', toldMs, async () => (await requestsOf('web-shop')) >= 21);
    expect(await requestsOf('web-shop')).toBe(21);
  });
});
