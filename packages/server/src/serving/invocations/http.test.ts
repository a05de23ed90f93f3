import { packByteElements, tensorTexts } from '@muster-ml/protocol';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { type Answer, type EchoGateway, echoEndpoint, startEchoGateway } from '../../../test-support/echo-gateway.ts';

const matrix = { name: 'x', datatype: 'FP64', shape: [-1, 3] } as const;
const json = { 'content-type': 'application/json' };
const csv = { 'content-type': 'text/csv; charset=utf-8' };

let gateway: EchoGateway;

beforeAll(async () => {
  gateway = await startEchoGateway(
    [
      echoEndpoint('churn', [matrix], { features: ['age', 'income', 'tenure'] }),
      echoEndpoint('router', [
        { name: 'text', datatype: 'BYTES', shape: [-1], nullable: true },
        { name: 'id', datatype: 'INT64', shape: [-1] },
      ]),
      echoEndpoint('images', [{ name: 'image', datatype: 'UINT8', shape: [-1, 2, 2] }]),
      echoEndpoint('classifier', [{ name: 'v', datatype: 'FP64', shape: [-1] }], {
        outputs: [
          { name: 'label', datatype: 'FP64', shape: [-1] },
          { name: 'probabilities', datatype: 'FP64', shape: [-1] },
        ],
        primary: 'label',
      }),
      echoEndpoint('chat', [{ name: 'input', datatype: 'BYTES', shape: [-1], isJson: true }], {
        outputs: [{ name: 'prediction', datatype: 'BYTES', shape: [-1], isJson: true }],
      }),
      echoEndpoint('column', [{ name: 'c', datatype: 'FP64', shape: [-1, 1] }]),
      echoEndpoint('hidden', [matrix]),
    ],
    {
      chat: ({ inputs }, echo) => {
        const [text] = inputs[0] === undefined ? [] : tensorTexts(inputs[0]);
        const bytes = packByteElements([new TextEncoder().encode(`{"saw":${text}}`)]);
        return {
          ...echo(),
          outputs: [{ name: 'prediction', datatype: 'BYTES', shape: [1], bytes }],
        };
      },
    },
  );
});

afterAll(() => gateway.close());
beforeEach(() => {
  gateway.isReady = true;
});

async function post(endpoint: string, body: unknown, headers: Record<string, string> = json): Promise<Answer> {
  const text = typeof body === 'string' ? body : JSON.stringify(body);
  return await gateway.call('POST', `/endpoints/${endpoint}/invocations`, { headers, body: text });
}

async function predictions(endpoint: string, body: unknown, headers?: Record<string, string>): Promise<unknown> {
  const answer = await post(endpoint, body, headers);
  expect({ status: answer.status, body: answer.status === 200 ? '' : answer.body.toString() }).toEqual({
    status: 200,
    body: '',
  });
  return (answer.json() as { predictions: unknown }).predictions;
}

const churned = [
  [1, 2, 3],
  [4, 5, 6],
];

describe('the forms that clients of MLflow send', () => {
  test.each([
    ['dataframe_split', { dataframe_split: { columns: ['age', 'income', 'tenure'], data: churned } }],
    ['with an index', { dataframe_split: { index: [7, 8], columns: ['age', 'income', 'tenure'], data: churned } }],
    ['whose columns come last', { dataframe_split: { data: churned, columns: ['age', 'income', 'tenure'] } }],
    ['without names', { dataframe_split: { columns: [0, 1, 2], data: churned } }],
    ['without columns', { dataframe_split: { data: churned } }],
    [
      'dataframe_records',
      {
        dataframe_records: [
          { tenure: 3, age: 1, income: 2 },
          { age: 4, income: 5, tenure: 6 },
        ],
      },
    ],
    ['instances', { instances: churned }],
    [
      'instances by name',
      {
        instances: [
          { age: 1, income: 2, tenure: 3 },
          { age: 4, income: 5, tenure: 6 },
        ],
      },
    ],
    ['inputs', { inputs: churned }],
    ['inputs by column', { inputs: { income: [2, 5], age: [1, 4], tenure: [3, 6] } }],
    ['inputs by tensor', { inputs: { x: churned } }],
    ['with params', { inputs: churned, params: { temperature: 0.5 } }],
  ])('%s', async (_, body) => {
    expect(await predictions('churn', body)).toEqual(churned);
  });

  test('a table is reordered, and columns that the model does not have are dropped', async () => {
    const data = [
      ['x', 3, 2, 1],
      ['y', 6, 5, 4],
    ];
    const body = { dataframe_split: { columns: ['note', 'tenure', 'income', 'age'], data } };
    expect(await predictions('churn', body)).toEqual(churned);
    expect(await predictions('churn', 'tenure,note,age,income\n3,x,1,2\n6,"y, z",4,5\n', csv)).toEqual(churned);
  });

  test('several outputs are records, texts and what is missing stay so', async () => {
    const records = [
      { text: 'é', id: 1 },
      { text: null, id: 2 },
      { id: 3, extra: {} },
    ];
    expect(await predictions('router', { dataframe_records: records })).toEqual([
      { text_out: 'é', id_out: 1 },
      { text_out: null, id_out: 2 },
      { text_out: null, id_out: 3 },
    ]);
  });

  test('integers beyond 2^53 arrive exactly', async () => {
    const answer = await post('router', '{"dataframe_records":[{"text":"a","id":9007199254740993}]}');
    expect(answer.body.toString()).toContain('9007199254740993');
  });

  test('tensors of more dimensions keep their shape', async () => {
    const image = [
      [1, 2],
      [3, 4],
    ];
    expect(await predictions('images', { instances: [image, image] })).toEqual([image, image]);
    expect(await predictions('images', { inputs: { image: [image] } })).toEqual([image]);
    expect(await predictions('column', { inputs: [[1], [2]] })).toEqual([[1], [2]]);
  });

  test('of a classifier only what its predict gives is asked for', async () => {
    expect(await predictions('classifier', { instances: [1, 2] })).toEqual([1, 2]);
    expect(gateway.requests.at(-1)?.outputs).toEqual(['label']);
  });

  test('a document passes unwrapped both ways, or as an instance', async () => {
    const body = { messages: [{ role: 'user', content: 'hi' }], temperature: 0 };
    expect((await post('chat', body)).json()).toEqual({ saw: body });
    expect(await predictions('chat', { instances: [{ any: ['thing'] }] })).toEqual([{ saw: { any: ['thing'] } }]);
    expect((await post('churn', body)).status).toBe(400);
  });
});

describe('errors as the scoring server of MLflow words them', () => {
  test.each([
    [{ dataframe_records: [{ age: 1, tenure: 2 }] }, "Model is missing inputs ['income']."],
    [{ rows: [] }, 'The input must be a JSON dictionary with exactly one of the input fields'],
    [{ inputs: churned, instances: churned }, 'exactly one of the input fields'],
    [{ inputs: churned, other: 1 }, 'Received dictionary with input fields: ["inputs", "other"]'],
    [[1, 2], 'The input must be a JSON dictionary'],
    [{ instances: [[1, 2]] }, 'instances[0] has 2 values, not 3'],
    [{ inputs: { age: [1], income: [1, 2], tenure: [1] } }, 'inputs.income has 2 values'],
    [{ instances: [['a', 1, 2]] }, 'is not a number'],
    ['{"inputs": [[1, 2', 'the JSON ends here'],
  ])('%j', async (body, message) => {
    const answer = await post('churn', body);
    expect(answer.status).toBe(400);
    expect(answer.json()).toEqual({ error_code: 'BAD_REQUEST', message: expect.stringContaining(message) as unknown });
  });

  test('other types of content are refused with 415 in plain text', async () => {
    for (const type of ['text/plain', 'application/json; charset=latin1', 'application/json; profile=x', '']) {
      const answer = await post('churn', '{}', type === '' ? {} : { 'content-type': type });
      expect({ status: answer.status, type: answer.headers['content-type'] }).toEqual({
        status: 415,
        type: 'text/plain',
      });
    }
  });

  test('what may not be seen does not exist, and without a token nothing is answered', async () => {
    const hidden = await post('hidden', {});
    const unknown = await post('nowhere', {});
    expect([hidden.status, unknown.status]).toEqual([404, 404]);
    expect(hidden.body.toString().replace('hidden', 'nowhere')).toBe(unknown.body.toString());
    expect((await post('churn', {}, { ...json, authorization: '' })).status).toBe(401);
  });

  test('a GET of invocations names the method', async () => {
    const answer = await gateway.call('GET', '/endpoints/churn/invocations');
    expect([answer.status, answer.headers.allow]).toEqual([405, 'POST']);
  });
});

test('ping, health and version answer as those clients expect', async () => {
  for (const path of ['ping', 'health']) {
    const answer = await gateway.call('GET', `/endpoints/churn/${path}`);
    expect([answer.status, answer.body.toString()]).toEqual([200, '\n']);
  }
  expect((await gateway.call('GET', '/endpoints/churn/version')).body.toString()).toBe('3');
  gateway.isReady = false;
  expect((await gateway.call('GET', '/endpoints/churn/ping')).status).toBe(503);
});

test('what lies beside these paths belongs to somebody else', async () => {
  for (const path of ['/endpoints', '/endpoints/churn', '/endpoints/churn/other', '/endpoints/churn/ping/more'])
    expect((await gateway.call('GET', path)).status).toBe(418);
});
