import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Answer, type EchoGateway, echoEndpoint, startEchoGateway } from '../../../test-support/echo-gateway.ts';

const matrix = { name: 'x', datatype: 'FP32', shape: [-1, 1] } as const;

let gateway: EchoGateway;

beforeAll(async () => {
  gateway = await startEchoGateway(
    ['open', 'hidden', 'seen-only', 'limited', 'used-up'].map((name) => echoEndpoint(name, [matrix])),
  );
});
afterAll(() => gateway.close());

/** How each protocol calls an endpoint, and asks what one is. */
const calls: readonly (readonly [string, (endpoint: string) => Promise<Answer>])[] = [
  ['OIP', (name) => call('POST', `/v2/models/${name}/infer`, { inputs: [{ ...matrix, shape: [1, 1], data: [1] }] })],
  ['OIP with a version', (name) => call('POST', `/v2/models/${name}/versions/3/infer`, { inputs: [] })],
  ['predict', (name) => call('POST', `/predict/${name}`, { rows: [{ x: 1 }] })],
  ['invocations', (name) => call('POST', `/endpoints/${name}/invocations`, { inputs: [[1]] })],
];
const reads: readonly (readonly [string, (endpoint: string) => Promise<Answer>])[] = [
  ['OIP metadata', (name) => call('GET', `/v2/models/${name}`)],
  ['OIP ready', (name) => call('GET', `/v2/models/${name}/versions/3/ready`)],
  ['predict', (name) => call('GET', `/predict/${name}`)],
  ['invocations ping', (name) => call('GET', `/endpoints/${name}/ping`)],
  ['invocations version', (name) => call('GET', `/endpoints/${name}/version`)],
];
const both = [...calls, ...reads];

async function call(method: string, path: string, body?: object): Promise<Answer> {
  return await gateway.call(method, path, {
    headers: { 'x-request-id': 'r' },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
}

/** Everything of an answer but its date, with the endpoint's name replaced. */
function bytesOf({ status, headers, body }: Answer, name: string): object {
  return { status, headers: { ...headers, date: '' }, body: body.toString().replaceAll(name, 'nobody') };
}

describe('who does not see an endpoint', () => {
  test.each(both)('%s: gets byte for byte what one gets that does not exist', async (_, ask) => {
    const [hidden, absent] = [await ask('hidden'), await ask('absent')];
    expect(hidden.status).toBe(404);
    expect(bytesOf(hidden, 'hidden')).toEqual(bytesOf(absent, 'absent'));
  });

  test('is counted alike for both, so that not even that tells them apart', async () => {
    const before = gateway.refused.length;
    for (const [, ask] of both) for (const name of ['hidden', 'absent']) await ask(name);
    const counted = gateway.refused.slice(before);
    expect(counted).toHaveLength(2 * both.length);
    expect(counted.filter((one) => one.endsWith(' hidden')).map((one) => one.split(' ')[0])).toEqual(
      counted.filter((one) => one.endsWith(' absent')).map((one) => one.split(' ')[0]),
    );
  });

  test('does not find it in the lists of any protocol', async () => {
    for (const path of ['/v2/models', '/predict']) {
      const text = (await call('GET', path)).body.toString();
      expect(text).toContain('seen-only');
      expect(text).not.toContain('hidden');
    }
  });
});

describe('who sees an endpoint but may not call it', () => {
  test.each(reads)('%s: is told what it is', async (_, ask) => {
    expect((await ask('seen-only')).status).toBe(200);
  });

  test.each(calls)('%s: is refused with 403, and that is counted', async (_, ask) => {
    const answer = await ask('seen-only');
    expect(answer.status).toBe(403);
    expect(gateway.refused.at(-1)).toBe('endpoint.predict seen-only');
    expect(gateway.observations.at(-1)).toMatchObject({ endpoint: 'seen-only', call: undefined, status: 403 });
  });

  test('hears of it in the form of each protocol', async () => {
    const [oip, , predict, invocations] = await Promise.all(calls.map(async ([, ask]) => await ask('seen-only')));
    expect(oip?.body.toString()).toMatch(
      /^\{"error":"not_allowed: endpoint\.predict on endpoint seen-only is not yours\./,
    );
    expect(predict?.json()).toMatchObject({ code: 'not_allowed', status: 403 });
    expect(invocations?.json()).toMatchObject({ error_code: 'PERMISSION_DENIED' });
  });
});

describe('whose limits are reached', () => {
  test.each(calls)('%s: is refused with 429 and the time to wait, before the body is read', async (_, ask) => {
    const [limited, usedUp] = [await ask('limited'), await ask('used-up')];
    expect([limited.status, limited.headers['retry-after']]).toEqual([429, '2']);
    expect([usedUp.status, usedUp.headers['retry-after']]).toEqual([429, '3600']);
    expect(gateway.observations.at(-1)).toMatchObject({ call: { actor: 'a' }, code: 'quota_exceeded' });
  });

  test('hears of it in the form of each protocol', async () => {
    const [oip, , predict, invocations] = await Promise.all(calls.map(async ([, ask]) => await ask('limited')));
    expect(oip?.body.toString()).toMatch(/^\{"error":"rate_limited: /);
    expect(predict?.json()).toMatchObject({ code: 'rate_limited', status: 429 });
    expect(invocations?.json()).toMatchObject({ error_code: 'REQUEST_LIMIT_EXCEEDED' });
  });

  test.each(reads)('%s: may still ask what it is', async (_, ask) => {
    expect((await ask('limited')).status).toBe(200);
  });
});

test('a call is attributed to its caller, and a question about the endpoint is none', async () => {
  for (const [, ask] of calls) {
    await ask('open');
    expect(gateway.observations.at(-1)?.call).toMatchObject({ actor: 'a', endpoint: { name: 'open' } });
  }
  for (const [, ask] of reads) {
    await ask('open');
    expect(gateway.observations.at(-1)?.call).toBeUndefined();
  }
});
