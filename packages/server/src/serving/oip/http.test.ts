import { MusterError } from '@muster-ml/protocol';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { eventually } from '../../../test-support/eventually.ts';
import { type EchoGateway, echoEndpoint, startEchoGateway, token } from '../../../test-support/echo-gateway.ts';
import { expectError, responseOf } from '../../../test-support/oip-answers.ts';

// Numbers at the front of a test's name are those of the conformance checklist.

const matrix = { name: 'x', datatype: 'FP32', shape: [-1, 3] } as const;
const row = { name: 'x', shape: [1, 3], datatype: 'FP32', data: [1, 2, 3] };

let gateway: EchoGateway;

beforeAll(async () => {
  gateway = await startEchoGateway(
    [
      echoEndpoint('fraud', [matrix]),
      echoEndpoint('hidden', [matrix]),
      echoEndpoint('wide', [{ name: 'x', datatype: 'FP32', shape: [-1, -1] }], { maxRows: 4 }),
      echoEndpoint('starting', [matrix], { deployments: [] }),
      echoEndpoint('full', [matrix]),
      echoEndpoint('late', [matrix]),
      echoEndpoint('broken', [matrix]),
    ],
    {
      full: () => {
        throw new MusterError('queue_full', '16 requests wait already', { retryAfterSeconds: 2.5 });
      },
      late: ({ deadlineMs }, echo) => {
        if (deadlineMs - performance.now() < 100) throw new MusterError('deadline_passed', 'the deadline passed');
        return echo();
      },
      broken: () => {
        throw new TypeError('a secret of the inside');
      },
    },
  );
});

afterAll(() => gateway.close());
beforeEach(() => {
  gateway.isReady = true;
});

describe('metadata', () => {
  test('1: the server names itself and only what works', async () => {
    expect((await gateway.call('GET', '/v2')).json()).toEqual({
      name: 'muster',
      version: '1.2.3',
      extensions: ['binary_tensor_data', 'parameters'],
    });
  });

  test('2, 3: health needs no token; ready is 503 while the server drains', async () => {
    const anonymous = { headers: { authorization: '' } };
    expect((await gateway.call('GET', '/v2/health/live', anonymous)).json()).toEqual({ live: true });
    expect((await gateway.call('GET', '/v2/health/ready', anonymous)).json()).toEqual({ ready: true, live: true });
    gateway.isReady = false;
    const draining = await gateway.call('GET', '/v2/health/ready', anonymous);
    expectError(draining, 503);
    expect(draining.headers['retry-after']).toBe('1');
    expect((await gateway.call('GET', '/v2/health/live', anonymous)).status).toBe(200);
  });

  test('4, 5: model metadata shows -1, with and without a version', async () => {
    const expected = {
      name: 'fraud',
      versions: ['3', '4'],
      platform: 'onnxruntime_onnx',
      inputs: [{ name: 'x', datatype: 'FP32', shape: [-1, 3] }],
      outputs: [{ name: 'x_out', datatype: 'FP32', shape: [-1, 3] }],
    };
    expect((await gateway.call('GET', '/v2/models/fraud')).json()).toEqual(expected);
    expect((await gateway.call('GET', '/v2/models/fraud/versions/4')).json()).toEqual(expected);
    expect((await gateway.call('GET', '/v2/models/fraud/ready')).json()).toEqual({ name: 'fraud', ready: true });
    expect((await gateway.call('GET', '/v2/models/fraud/versions/4/ready')).json()).toEqual({
      name: 'fraud',
      ready: true,
    });
    const answer = await gateway.call('POST', '/v2/models/fraud/versions/4/infer', {
      body: JSON.stringify({ inputs: [row] }),
    });
    expect(responseOf(answer).json.model_version).toBe('4');
    expect(answer.headers['x-muster-version']).toBe('4');
  });

  test('6: an unknown model or version is 404', async () => {
    for (const path of [
      '/v2/models/nobody',
      '/v2/models/nobody/ready',
      '/v2/models/fraud/versions/9',
      '/v2/models/fraud/versions/9/ready',
    ]) {
      expectError(await gateway.call('GET', path), 404);
    }
    expectError(await gateway.infer('nobody', {}), 404, 'nobody');
    expectError(await gateway.infer('fraud/versions/9', { inputs: [row] }), 404);
  });

  test('7: an invisible model answers byte for byte like an unknown one', async () => {
    for (const [method, tail] of [
      ['GET', ''],
      ['GET', '/ready'],
      ['POST', '/infer'],
      ['GET', '/config'],
      ['GET', '/versions/3'],
    ] as const) {
      const hidden = await gateway.call(method, `/v2/models/hidden${tail}`, { headers: { 'x-request-id': 'r' } });
      const unknown = await gateway.call(method, `/v2/models/absent${tail}`, { headers: { 'x-request-id': 'r' } });
      expect(hidden.status).toBe(404);
      expect(hidden.body.toString().replace('hidden', 'absent')).toBe(unknown.body.toString());
      expect({ ...hidden.headers, date: '' }).toEqual({ ...unknown.headers, date: '' });
    }
    expect(((await gateway.call('GET', '/v2/models')).json() as { models: string[] }).models).not.toContain('hidden');
  });

  test('8: a model that is loading is not ready', async () => {
    gateway.isReady = false;
    expectError(await gateway.call('GET', '/v2/models/fraud/ready'), 503);
    expectError(await gateway.call('GET', '/v2/models/starting/ready'), 503);
    expectError(await gateway.infer('starting', { inputs: [row] }), 503);
  });

  test('9: a percent-encoded name finds its endpoint and stays one segment', async () => {
    expect((await gateway.call('GET', '/v2/models/%66raud')).status).toBe(200);
    expectError(await gateway.call('GET', '/v2/models/fraud%2Fready'), 404);
    expectError(await gateway.call('GET', '/v2/models/..%2F..%2Fetc'), 404);
    expectError(await gateway.call('GET', '/v2/models/%ff'), 400);
    expectError(await gateway.call('GET', `/v2/models/${'x'.repeat(10_000)}`), 404);
    expectError(await gateway.call('GET', '/v2/models/%F0%9F%98%80'), 404);
  });

  test('10–13: what is not offered says so', async () => {
    const paths: [string, string][] = [
      ['GET', '/v2/models/fraud/config'],
      ['GET', '/v2/models/fraud/stats'],
      ['GET', '/v2/models/stats'],
      ['POST', '/v2/repository/index'],
      ['POST', '/v2/repository/models/fraud/load'],
      ['POST', '/v2/models/fraud/generate'],
      ['GET', '/v2/logging'],
      ['POST', '/v2/systemsharedmemory/region/r/register'],
    ];
    for (const [method, path] of paths) expectError(await gateway.call(method, path), 501);
    expect((await gateway.call('GET', '/v2/cudasharedmemory/status')).body.toString()).toBe('[]');
  });

  test('14: another method is 405 with Allow', async () => {
    const infer = await gateway.call('GET', '/v2/models/fraud/infer');
    expectError(infer, 405);
    expect(infer.headers['allow']).toBe('POST');
    const metadata = await gateway.call('DELETE', '/v2/models/fraud');
    expectError(metadata, 405);
    expect(metadata.headers['allow']).toBe('GET, HEAD');
  });

  test('15: a trailing slash and a query change nothing; other paths are not taken', async () => {
    for (const path of [
      '/v2/',
      '/v2?x=1',
      '/v2/health/live/',
      '/v2/models/',
      '/v2/models/fraud/',
      '/v2/models/fraud/ready/?a',
    ]) {
      expect({ path, status: (await gateway.call('GET', path)).status }).toEqual({ path, status: 200 });
    }
    expect(
      (await gateway.call('POST', '/v2/models/fraud/infer/?a=b', { body: JSON.stringify({ inputs: [row] }) })).status,
    ).toBe(200);
    for (const path of ['/v2x', '/v1', '/', '/predictions', '/api/v2'])
      expect((await gateway.call('GET', path)).status).toBe(418);
    for (const path of ['/v2/other', '/v2/health', '/v2/models/fraud/versions', '/v2/models/fraud/ready/x', '/v2//'])
      expectError(await gateway.call('GET', path), 404);
  });

  test('a token is asked for, as Bearer or as the password of Basic', async () => {
    const missing = await gateway.call('GET', '/v2/models/fraud', { headers: { authorization: '' } });
    expectError(missing, 401);
    expect(missing.headers['www-authenticate']).toContain('Bearer');
    expectError(await gateway.call('GET', '/v2/models/fraud', { headers: { authorization: 'Bearer wrong' } }), 401);
    const basic = `Basic ${Buffer.from(`anybody:${token}`).toString('base64')}`;
    expect((await gateway.call('GET', '/v2/models/fraud', { headers: { authorization: basic } })).status).toBe(200);
    expectError(await gateway.infer('fraud', { inputs: [row] }, { authorization: 'Bearer wrong' }), 401);
  });

  test('the request id of the caller is echoed where it is harmless', async () => {
    expect((await gateway.call('GET', '/v2', { headers: { 'x-request-id': 'abc-1' } })).headers['x-request-id']).toBe(
      'abc-1',
    );
    expect((await gateway.call('GET', '/v2', { headers: { 'x-request-id': 'a b' } })).headers['x-request-id']).toMatch(
      /^made-/,
    );
    expect((await gateway.call('GET', '/v2')).headers['x-request-id']).toMatch(/^made-/);
  });
});

describe('errors and limits', () => {
  test('malformed JSON is 400 and names the place', async () => {
    expectError(await gateway.infer('fraud', '{"inputs":\n [}'), 400, 'line 2, column 3');
    expectError(await gateway.infer('fraud', ''), 400);
    expectError(await gateway.infer('fraud', '['.repeat(10_000)), 400);
  });

  test('59: a shape that overflows and data nested too deep are 400', async () => {
    expectError(
      await gateway.infer('wide', { inputs: [{ name: 'x', datatype: 'FP32', shape: [2 ** 31, 2 ** 31], data: [1] }] }),
      400,
      'too many elements',
    );
    expectError(
      await gateway.infer('wide', { inputs: [{ name: 'x', datatype: 'FP32', shape: [50_000, 50_000], data: [1] }] }),
      400,
      'data holds 1 element',
    );
    expectError(
      await gateway.infer(
        'fraud',
        `{"inputs":[{"name":"x","datatype":"FP32","shape":[1,3],"data":${'['.repeat(101)}1${']'.repeat(101)}}]}`,
      ),
      400,
    );
  });

  test('60: a full queue is 429 with Retry-After, a timeout of 1 µs is 504', async () => {
    const full = await gateway.infer('full', { inputs: [row] });
    expectError(full, 429);
    expect(full.headers['retry-after']).toBe('3');
    expectError(await gateway.infer('late', { inputs: [row], parameters: { timeout: 1 } }), 504);
    expect((await gateway.infer('late', { inputs: [row], parameters: { timeout: 10_000_000 } })).status).toBe(200);
    const { deadlineMs } = gateway.requests.at(-1) ?? { deadlineMs: 0 };
    // A timeout never lengthens the limit of the endpoint.
    expect(deadlineMs - performance.now()).toBeLessThan(5000);
  });

  test('a request larger than what is merged runs alone where no limit is set', async () => {
    const large = {
      inputs: [{ name: 'x', datatype: 'FP32', shape: [500, 3], data: Array.from({ length: 1500 }, (_, at) => at) }],
    };
    expect((await gateway.infer('fraud', large)).status).toBe(200);
  });

  test('66: as many rows as the deployment takes pass, one more is 400', async () => {
    const rows = (count: number): unknown => ({
      inputs: [{ name: 'x', datatype: 'FP32', shape: [count, 1], data: Array.from({ length: count }, () => 1) }],
    });
    expect((await gateway.infer('wide', rows(4))).status).toBe(200);
    expectError(await gateway.infer('wide', rows(5)), 400, '5 rows');
  });

  test('a bug inside is 500 and tells nothing of the inside; the observer hears of it', async () => {
    const answer = await gateway.infer('broken', { inputs: [row] });
    expectError(answer, 500);
    expect(answer.body.toString()).not.toContain('secret');
    await eventually(() => gateway.observations.some(({ cause }) => cause instanceof TypeError));
  });

  test('each request is observed once, by endpoint, operation and outcome', async () => {
    const before = gateway.observations.length;
    await gateway.infer('fraud', { inputs: [{ ...row, shape: [2, 3], data: [1, 2, 3, 4, 5, 6] }] });
    await gateway.infer('hidden', { inputs: [row] });
    expect(gateway.observations.slice(before)).toMatchObject([
      {
        face: 'oip',
        operation: 'infer',
        endpoint: 'fraud',
        status: 200,
        code: undefined,
        rows: 2,
        deployment: { version: '3' },
      },
      { face: 'oip', operation: 'infer', endpoint: undefined, status: 404, code: 'endpoint_not_found' },
    ]);
  });

  test('parameters of the model are passed on, those of the server are not', async () => {
    await gateway.infer('fraud', {
      inputs: [row],
      parameters: { timeout: 1_000_000, binary_data_output: false, mode: 'fast' },
    });
    expect(gateway.requests.at(-1)?.parameters).toEqual({ mode: 'fast' });
    expectError(await gateway.infer('fraud', { inputs: [row], parameters: { sequence_id: 1 } }), 501);
  });
});
