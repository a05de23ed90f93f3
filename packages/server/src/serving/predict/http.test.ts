import { spawnSync } from 'node:child_process';
import { type Tensor, MusterError } from '@muster-ml/protocol';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { type Answer, type EchoGateway, echoEndpoint, startEchoGateway } from '../../../test-support/echo-gateway.ts';

const features = ['age', 'income', 'tenure'];
const matrix = { name: 'x', datatype: 'FP32', shape: [-1, 3] } as const;

let gateway: EchoGateway;

beforeAll(async () => {
  gateway = await startEchoGateway(
    [
      echoEndpoint('churn', [matrix], { features, labels: ['stays', 'goes', 'unsure'], maxRows: 2 }),
      echoEndpoint('hidden', [matrix], { features }),
      echoEndpoint('router', [
        { name: 'text', datatype: 'BYTES', shape: [-1, 1] },
        { name: 'id', datatype: 'INT64', shape: [-1] },
      ]),
      echoEndpoint('one-by-one', [{ name: 'x', datatype: 'FP32', shape: [1, 2] }]),
      echoEndpoint('single', [{ name: 'v', datatype: 'FP32', shape: [-1] }]),
      echoEndpoint('failing', [matrix], { features, maxRows: 1 }),
      echoEndpoint('starting', [matrix], { deployments: [] }),
    ],
    {
      failing: ({ inputs }, echo) => {
        if (firstValue(inputs) === 3) throw new MusterError('model_failed', 'the model failed');
        return echo();
      },
    },
  );
});

afterAll(() => gateway.close());
beforeEach(() => {
  gateway.isReady = true;
});

function firstValue(inputs: readonly Tensor[]): number {
  const bytes = inputs[0]?.bytes ?? new Uint8Array(4);
  return new DataView(bytes.buffer, bytes.byteOffset).getFloat32(0, true);
}

function post(endpoint: string, body: string, headers: Record<string, string> = {}): Promise<Answer> {
  return gateway.call('POST', `/predict/${endpoint}`, { body, headers });
}

function rows(...list: readonly (readonly number[])[]): string {
  const row = (values: readonly number[]): object =>
    Object.fromEntries(values.map((value, index) => [features[index] ?? '', value]));
  return JSON.stringify({ rows: list.map(row) });
}

const csv = { 'content-type': 'text/csv' };

function expectProblem(answer: Answer, status: number, code: string, text = ''): void {
  expect({ status: answer.status, type: answer.headers['content-type'] }).toEqual({
    status,
    type: 'application/problem+json',
  });
  const problem = answer.json() as { code: string; detail: string; status: number; requestId: string };
  expect(problem).toMatchObject({ code, status, requestId: answer.headers['x-request-id'] });
  expect(problem.detail).toContain(text);
}

describe('rows of JSON', () => {
  test('are answered row by row, by label', async () => {
    const answer = await post('churn', rows([0.1, 0.7, 0.2], [3, 2, 1]));
    expect(answer.headers['content-type']).toBe('application/json');
    expect(answer.headers['x-muster-version']).toBe('3');
    expect(answer.json()).toEqual({
      endpoint: 'churn',
      model: 'model-of-churn',
      version: '3',
      predictions: [
        { label: 'goes', x_out: { stays: 0.1, goes: 0.7, unsure: 0.2 } },
        { label: 'stays', x_out: { stays: 3, goes: 2, unsure: 1 } },
      ],
    });
  });

  test('may be more than fit one run: they are split, and answered in order by one version', async () => {
    const before = gateway.requests.length;
    const answer = await post('churn', rows(...Array.from({ length: 9 }, (_, index) => [index, 0, 0])));
    const { predictions } = answer.json() as { predictions: { x_out: { stays: number } }[] };
    expect(predictions.map(({ x_out }) => x_out.stays)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8]);
    const parts = gateway.requests.slice(before);
    expect(parts.map((part) => part.rows)).toEqual([2, 2, 2, 2, 1]);
    expect(new Set(parts.map((part) => part.version))).toEqual(new Set(['3']));
  });

  test('run one by one where the model takes no batches', async () => {
    const answer = await post('one-by-one', '{"rows":[{"f0":1,"f1":2},{"f1":4,"f0":3}]}');
    expect(answer.json()).toMatchObject({ predictions: [{ x_out: [1, 2] }, { x_out: [3, 4] }] });
  });

  test('keep text and 64-bit integers as they are', async () => {
    const answer = await post('router', '{"rows":[{"text":"é😀","id":9007199254740993}]}');
    expect(answer.body.toString()).toContain('"text_out":"é😀","id_out":9007199254740993');
  });

  test('none give none', async () => {
    expect((await post('churn', '{"rows":[]}')).json()).toMatchObject({ predictions: [] });
  });

  test('are predicted whole or not at all', async () => {
    const before = gateway.requests.length;
    expectProblem(
      await post(
        'churn',
        '{"rows":[{"age":1,"income":1,"tenure":1},{"age":1,"income":1,"tenure":1},{"age":"old","income":1,"tenure":1}]}',
      ),
      400,
      'invalid_rows',
      'rows[2]',
    );
    expect(gateway.requests).toHaveLength(before);
    expectProblem(await post('failing', rows([1, 0, 0], [2, 0, 0], [3, 0, 0], [4, 0, 0])), 500, 'model_failed');
  });

  test('errors name row and field, and the nearest field', async () => {
    expectProblem(
      await post('churn', '{"rows":[{"age":1,"incom":2,"tenure":3}]}'),
      400,
      'invalid_rows',
      'did you mean "income"?',
    );
    expectProblem(
      await post('churn', '{"rows":[{"age":1,"tenure":3}]}'),
      400,
      'invalid_rows',
      'rows[0]: "income" is missing',
    );
    expectProblem(await post('churn', '{"rows":[{'), 400, 'invalid_json', 'line 1, column 11');
    expectProblem(await post('churn', '[1]'), 400, 'invalid_rows');
  });
});

describe('rows of CSV', () => {
  test('are taken with columns in any order, quotes, and gaps as NaN', async () => {
    const answer = await post('churn', '\ufefftenure,"age",income\r\n3,1,2\r\n"6",,5e0\r\n', csv);
    expect(answer.json()).toMatchObject({
      predictions: [{ x_out: { stays: 1, goes: 2, unsure: 3 } }, { x_out: { stays: 'NaN', goes: 5, unsure: 6 } }],
    });
  });

  test('give the same answer as JSON', async () => {
    const json = await post('churn', rows([0.1, 1e-7, 123_456.7], [1 / 3, 2, 3]));
    const text = await post('churn', `age,income,tenure\n0.1,1e-7,123456.7\n${1 / 3},2,3\n`, csv);
    expect(text.body).toEqual(json.body);
  });

  test('are answered as CSV where that is asked for', async () => {
    const answer = await post('router', 'text,id\n"a, ""b""",1\nc,2\n', { ...csv, accept: 'text/csv' });
    expect(answer.headers['content-type']).toMatch(/^text\/csv/);
    expect(answer.body.toString()).toBe('text_out,id_out\r\n"a, ""b""",1\r\nc,2\r\n');
    const labelled = await post('churn', rows([1, 2, 3]), { accept: 'text/csv' });
    expect(labelled.body.toString()).toBe('label,x_out.stays,x_out.goes,x_out.unsure\r\nunsure,1,2,3\r\n');
  });

  test('of a single column have an empty line where its value is unknown', async () => {
    const answer = await post('single', 'v\n1\n\n3\n', csv);
    expect(answer.json()).toMatchObject({ predictions: [{ v_out: 1 }, { v_out: 'NaN' }, { v_out: 3 }] });
  });

  test.each([
    ['an unknown column', 'age,incme,tenure\n1,2,3\n', 'did you mean "income"?'],
    ['a missing column', 'age,income\n1,2\n', '"tenure"'],
    ['a column twice', 'age,age,income,tenure\n1,2,3,4\n', '"age"'],
    ['a line of another length', 'age,income,tenure\n1,2\n', 'line 2'],
    ['an open quote', 'age,income,tenure\n1,2,"3\n', 'never closed'],
    ['nothing', '', 'names the columns'],
  ])('with %s are refused', async (_name, text, message) => {
    expectProblem(await post('churn', text, csv), 400, 'invalid_csv', message);
  });

  test('with a value that does not fit are refused by row and column, without the value', async () => {
    const answer = await post('churn', 'age,income,tenure\n1,2,3\n1,secret,3\n', csv);
    expectProblem(answer, 400, 'invalid_rows', 'row 2: "income"');
    expect(answer.body.toString()).not.toContain('secret');
  });
});

describe('GET explains an endpoint', () => {
  test('with fields, types, and an example that works as it stands', async () => {
    for (const name of ['churn', 'router', 'one-by-one']) {
      const answer = await gateway.call('GET', `/predict/${name}`);
      const { example, fields } = answer.json() as { example: unknown; fields: { name: string }[] };
      expect(fields.length).toBeGreaterThan(0);
      const predicted = await post(name, JSON.stringify(example));
      expect(predicted).toMatchObject({ status: 200 });
    }
    expect((await gateway.call('GET', '/predict/churn')).json()).toMatchObject({
      endpoint: 'churn',
      version: '3',
      ready: true,
      fields: features.map((name) => ({ name, datatype: 'FP32' })),
      csv: 'age,income,tenure',
    });
  });

  test('with a curl line that works as it stands', async () => {
    const { curl } = (await gateway.call('GET', '/predict/churn')).json() as { curl: string };
    expect(curl).toContain(`http://127.0.0.1:${gateway.port}/predict/churn`);
    // The shell reads back what was meant: printf in the place of curl shows the arguments.
    const { stdout } = spawnSync('sh', ['-c', curl.replace(/^curl/, "printf '%s\\n'")], {
      env: { MUSTER_TOKEN: 't' },
      encoding: 'utf8',
    });
    expect(stdout.trim().split('\n').at(-1)).toBe('{"rows":[{"age":0.5,"income":0.5,"tenure":0.5}]}');
  });

  test('and does not trust the Host that the caller names', async () => {
    const answer = await gateway.call('GET', '/predict/churn', { headers: { host: "x';rm -rf ~;'" } });
    expect(answer.body.toString()).not.toContain('rm -rf');
  });

  test('and lists those that the caller may see', async () => {
    const { endpoints } = (await gateway.call('GET', '/predict')).json() as { endpoints: { name: string }[] };
    expect(endpoints.map(({ name }) => name)).toEqual([
      'churn',
      'router',
      'one-by-one',
      'single',
      'failing',
      'starting',
    ]);
  });
});

describe('who may not, and what is not', () => {
  test('is told as in the management API', async () => {
    expectProblem(await post('nobody', '{}'), 404, 'endpoint_not_found', 'nobody');
    expectProblem(await post('hidden', '{}'), 404, 'endpoint_not_found', 'hidden');
    expectProblem(
      await gateway.call('GET', '/predict/churn', { headers: { authorization: '' } }),
      401,
      'token_missing',
    );
    expectProblem(await post('churn', '{}', { authorization: 'Bearer no' }), 401, 'token_invalid');
    expectProblem(await post('starting', '{"rows":[]}'), 503, 'endpoint_not_ready');
    expectProblem(await gateway.call('GET', '/predict/churn/x'), 404, 'route_not_found');
    const method = await gateway.call('PUT', '/predict/churn');
    expectProblem(method, 405, 'method_not_allowed');
    expect(method.headers['allow']).toBe('GET, HEAD, POST');
    const type = await post('churn', '<x/>', { 'content-type': 'text/xml' });
    expectProblem(type, 415, 'unsupported_media_type');
    expect(type.headers['accept']).toBe('application/json, text/csv');
    expectProblem(await post('churn', 'x'.repeat(2_000_000)), 413, 'body_too_large');
  });
});
