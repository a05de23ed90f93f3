import type { IncomingMessage, ServerResponse } from 'node:http';
import { afterEach, describe, expect, test, vi } from 'vitest';
import {
  type Answer,
  aGateway,
  aSystem,
  call,
  doubled,
  endGateways,
  infer,
  narrow,
  token,
  until,
} from '../../test-support/gateway-twins.ts';
import { systemClock } from '../platform/clock/index.ts';
import type { Gateway } from './gateway-server.ts';
import type { GatewayReport } from './routing-table.ts';

afterEach(endGateways);

const wrong = `mstp_${'z'.repeat(49)}`;

async function guess(gateway: Gateway, path: string, method = 'GET', headers: object = {}): Promise<Answer> {
  return await call(gateway, method, path, { headers: { authorization: `Bearer ${wrong}`, ...headers } });
}

async function guessTwenty(gateway: Gateway, headers: object = {}): Promise<void> {
  for (let turn = 0; turn < 20; turn += 1)
    expect((await guess(gateway, '/predict/e', 'GET', headers)).status).toBe(401);
}

/** Control as it answers about tokens, in the form of the management API or of MLflow. */
function refusing(request: IncomingMessage, response: ServerResponse): void {
  const isKnown = request.headers.authorization === `Bearer ${token}`;
  const isMlflow = request.url?.startsWith('/api/2.0') === true;
  const code = isKnown ? 'ok' : request.headers.authorization === 'Bearer old' ? 'token_expired' : 'token_invalid';
  const body = JSON.stringify(isMlflow ? { error_code: 'UNAUTHENTICATED', message: code } : { code });
  response
    .writeHead(isKnown ? 200 : 401, { 'content-length': Buffer.byteLength(body), 'x-of-control': 'yes' })
    .end(request.method === 'HEAD' ? undefined : body);
}

describe('guessing tokens', () => {
  test.each([
    ['/v2/models/e', 'GET', 'application/json', { error: expect.stringContaining('too_many_attempts: ') as string }],
    ['/v2/models/e/infer', 'POST', 'application/json', { error: expect.any(String) as string }],
    ['/predict/e', 'POST', 'application/problem+json', { code: 'too_many_attempts', status: 429 }],
    ['/endpoints/e/invocations', 'POST', 'application/json', { error_code: 'REQUEST_LIMIT_EXCEEDED' }],
    ['/api/v1/models', 'GET', 'application/problem+json', { code: 'too_many_attempts', status: 429 }],
    ['/api/2.0/mlflow/runs/get', 'GET', 'application/json', { error_code: 'REQUEST_LIMIT_EXCEEDED' }],
  ])('is answered 429 with the time to wait in the form of its protocol: %s', async (path, method, type, body) => {
    const { gateway } = await aSystem(doubled, refusing);
    await guessTwenty(gateway);
    const answer = await guess(gateway, path, method);
    const { 'content-type': given, 'retry-after': wait, connection } = answer.headers;
    expect([answer.status, given, wait, connection]).toEqual([429, type, '1', 'close']);
    expect(JSON.parse(answer.body)).toMatchObject(body);
    expect((await guess(gateway, path, method)).headers['retry-after']).toBe('2');
  });

  test('locks nobody out: a valid token from the same source works at once, everywhere', async () => {
    const { gateway } = await aSystem(doubled, refusing);
    await guessTwenty(gateway);
    expect((await guess(gateway, '/predict/e')).status).toBe(429);
    expect((await infer(gateway, 1)).status).toBe(200);
    const headers = { authorization: `Bearer ${token}` };
    expect((await call(gateway, 'GET', '/predict/e', { headers })).status).toBe(200);
    expect((await call(gateway, 'GET', '/api/v1/models', { headers })).status).toBe(200);
  });

  test('at control counts too, whatever form or method it is tried in, and its answers pass unchanged before', async () => {
    const { gateway } = await aSystem(doubled, refusing);
    for (let turn = 0; turn < 6; turn += 1) {
      const answer = await guess(gateway, '/api/v1/models');
      expect([answer.status, answer.body, answer.headers['x-of-control']]).toEqual([
        401,
        '{"code":"token_invalid"}',
        'yes',
      ]);
      expect((await guess(gateway, '/api/2.0/mlflow/runs/get')).status).toBe(401);
      expect((await guess(gateway, '/api/v1/models', 'HEAD')).status).toBe(401);
    }
    for (let turn = 0; turn < 2; turn += 1) expect((await guess(gateway, '/v2/models')).status).toBe(401);
    expect((await guess(gateway, '/api/v1/models')).status).toBe(429);
    expect((await guess(gateway, '/api/v1/models', 'HEAD')).status).toBe(429);
  });

  test('is not what somebody without a token does, or with one that has expired', async () => {
    const { gateway } = await aSystem(doubled, refusing);
    for (let turn = 0; turn < 30; turn += 1) {
      expect((await call(gateway, 'GET', '/predict/e')).status).toBe(401);
      expect((await call(gateway, 'GET', '/api/v1/models')).status).toBe(401);
      const headers = { authorization: 'Bearer old' };
      expect((await call(gateway, 'GET', '/api/v1/models', { headers })).status).toBe(401);
    }
  });

  test('cannot be spread over forged addresses; behind a trusted proxy each client counts for itself', async () => {
    const { gateway, control } = await aSystem();
    for (let turn = 0; turn < 20; turn += 1)
      await guess(gateway, '/v2/models', 'GET', { 'x-forwarded-for': `6.6.6.${turn}`, forwarded: `for=6.6.6.${turn}` });
    expect((await guess(gateway, '/v2/models', 'GET', { 'x-forwarded-for': '6.6.6.99' })).status).toBe(429);
    const behind = await aGateway(control, { gatewayId: 'g3', trustedProxies: ['127.0.0.0/8'] });
    await guessTwenty(behind, { 'x-forwarded-for': '203.0.113.7' });
    expect((await guess(behind, '/v2/models', 'GET', { 'x-forwarded-for': '203.0.113.8' })).status).toBe(401);
    expect((await guess(behind, '/v2/models', 'GET', { 'x-forwarded-for': '1.1.1.1, 203.0.113.7' })).status).toBe(429);
  });

  test('at the metrics counts, and what was refused is shown there', async () => {
    const { gateway } = await aSystem(doubled, refusing, { host: '0.0.0.0' });
    await guessTwenty(gateway);
    const answer = await guess(gateway, '/metrics');
    expect([answer.status, answer.headers['retry-after']]).toEqual([429, '1']);
    const headers = { authorization: `Bearer ${token}` };
    expect((await call(gateway, 'GET', '/metrics', { headers })).body).toContain(
      'muster_gateway_refused_attempts_total{process="gateway"} 1\n',
    );
  });

  test('is told to control by network and minute, once the minute is over, with the tokens that were used', async () => {
    let ahead = 0;
    const clock = { ...systemClock, now: () => Date.now() + ahead };
    const { gateway, control } = await aSystem(doubled, refusing, { clock });
    const heard: GatewayReport[] = [];
    control.hub.onReport((report) => heard.push(report));
    const before = Date.now();
    for (let turn = 0; turn < 3; turn += 1) await guess(gateway, '/v2/models');
    for (let turn = 0; turn < 3; turn += 1) await infer(gateway, 1);
    ahead = 60_000;
    const told = (): number =>
      heard.flatMap(({ unknownTokens = [] }) => unknownTokens).reduce((sum, { count }) => sum + count, 0);
    await vi.waitFor(() => expect(told()).toBe(3), until);
    const [first] = heard.flatMap(({ unknownTokens = [] }) => unknownTokens);
    expect(first?.source).toBe('127.0.0.0/24');
    expect(first?.minute).toBe(Math.floor((first?.minute ?? 1) / 60_000) * 60_000);
    expect(Math.abs((first?.minute ?? 0) - before)).toBeLessThanOrEqual(60_000);
    expect(heard.flatMap(({ tokensUsed = [] }) => tokensUsed).map((use) => use.token)).toEqual(['t1']);
    expect(JSON.stringify(heard)).not.toContain(wrong);
  });
});

// Who may read what was noted of themselves would else find out what exists.
test('what a known token was refused is told to control, whether it exists or not', async () => {
  let ahead = 0;
  const { gateway, control } = await aSystem(doubled, undefined, {
    clock: { ...systemClock, now: () => Date.now() + ahead },
  });
  const heard: GatewayReport[] = [];
  control.hub.onReport((report) => heard.push(report));
  expect((await infer(gateway, 1, narrow)).status).toBe(404);
  const headers = { authorization: `Bearer ${narrow}` };
  expect((await call(gateway, 'GET', '/predict/nothing', { headers })).status).toBe(404);
  ahead = 60_000;
  const told = (): unknown => heard.flatMap(({ denials = [] }) => denials);
  const refused = { actor: 'b', token: 't2', action: 'endpoint.predict', object: 'e', count: 1 };
  const absent = { ...refused, action: 'endpoint.read', object: 'nothing' };
  await vi.waitFor(
    () => expect(told()).toEqual([expect.objectContaining(refused), expect.objectContaining(absent)]),
    until,
  );
});

test('metrics need a token of whoever comes through a proxy, also where the gateway listens on this machine only', async () => {
  const { gateway, control } = await aSystem(doubled, undefined, { openMetrics: true });
  expect((await call(gateway, 'GET', '/metrics', { headers: { 'x-forwarded-for': '203.0.113.7' } })).status).toBe(200);
  const behind = await aGateway(control, { gatewayId: 'g3', openMetrics: true, trustedProxies: ['127.0.0.1'] });
  expect((await call(behind, 'GET', '/metrics', { headers: { 'x-forwarded-for': '127.0.0.1' } })).status).toBe(401);
});
