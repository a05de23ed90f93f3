import { type IncomingMessage, type Server, createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, test } from 'vitest';
import { createMlflowServer } from './mlflow-server.ts';
import { readModelUri } from './model-uri.ts';

type Answer = { readonly status?: number; readonly body: unknown; readonly headers?: Record<string, string> };

let server: Server | undefined;
const seen: IncomingMessage[] = [];

/** A server that answers by path and query; what it is not told answers as MLflow does. */
async function serverOf(answers: Readonly<Record<string, unknown>>): Promise<string> {
  seen.length = 0;
  server = createServer((request, response) => {
    seen.push(request);
    const known = answers[request.url ?? ''];
    const answer =
      known === undefined
        ? { status: 404, body: { error_code: 'RESOURCE_DOES_NOT_EXIST', message: 'nothing here' } }
        : typeof known === 'object' && known !== null && 'body' in known
          ? (known as Answer)
          : { body: known };
    response.writeHead(answer.status ?? 200, answer.headers ?? {});
    response.end(typeof answer.body === 'string' ? answer.body : JSON.stringify(answer.body));
  });
  await new Promise<void>((resolve) => server?.listen(0, '127.0.0.1', resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

afterEach(() => {
  server?.closeAllConnections();
  server?.close();
});

const version = { name: 'churn', version: '3', source: 's', run_id: 'r1', aliases: ['champion'] };
const uriPath = '/api/2.0/mlflow/model-versions/get-download-uri?name=churn&version=3';

describe('a model URI', () => {
  test.each([
    ['models:/churn/3', { kind: 'version', model: 'churn', version: '3' }],
    ['models:/churn@champion', { kind: 'alias', model: 'churn', alias: 'champion' }],
    ['models:/churn/Production', { kind: 'stage', model: 'churn', stage: 'Production' }],
    ['models:/my%20model/latest', { kind: 'stage', model: 'my model', stage: 'latest' }],
    [`models:/m-${'0a'.repeat(16)}`, { kind: 'logged', id: `m-${'0a'.repeat(16)}` }],
    ['runs:/abc/some/model/', { kind: 'run', run: 'abc', path: 'some/model' }],
  ])('%s', (text, expected) => {
    expect(readModelUri(text)).toEqual(expected);
  });

  test.each(['churn', 'models:/churn', 'models:/', 'models:/a/b/c', 'runs:/abc', 'http://x/y'])(
    '%s is none',
    (text) => {
      expect(() => readModelUri(text)).toThrow(expect.objectContaining({ code: 'invalid_request' }));
    },
  );
});

describe('finding a version', () => {
  test('follows an alias to its files, also where MLflow 3 keeps them with a logged model', async () => {
    const logged = `m-${'1'.repeat(32)}`;
    const url = await serverOf({
      '/api/2.0/mlflow/registered-models/alias?name=churn&alias=champion': { model_version: version },
      [uriPath]: { artifact_uri: `models:/${logged}` },
      [`/api/2.0/mlflow/logged-models/${logged}`]: {
        model: { info: { artifact_uri: 'mlflow-artifacts:/0/models/m' } },
      },
    });
    const found = await createMlflowServer({ url }).find(readModelUri('models:/churn@champion'));
    expect(found).toEqual({
      artifacts: 'mlflow-artifacts:/0/models/m',
      lineage: { source: 'mlflow', server: url, model: 'churn', version: '3', alias: 'champion', runId: 'r1' },
    });
  });

  test('takes the highest version of a stage', async () => {
    const url = await serverOf({
      '/api/2.0/mlflow/registered-models/get-latest-versions?name=churn': {
        model_versions: [{ name: 'churn', version: 2 }, version],
      },
      [uriPath]: { artifact_uri: 'mlflow-artifacts:/x' },
    });
    const found = await createMlflowServer({ url }).find(readModelUri('models:/churn/latest'));
    expect(found.lineage.version).toBe('3');
  });

  test('carries the credentials in their header and nowhere else', async () => {
    const url = await serverOf({
      '/api/2.0/mlflow/model-versions/get?name=churn&version=3': { model_version: version },
      [uriPath]: { artifact_uri: 'mlflow-artifacts:/x' },
    });
    const withPassword = url.replace('://', '://ann:s3cret%C3%A9@');
    const mlflow = createMlflowServer({ url: withPassword, token: 'not used' });
    const found = await mlflow.find(readModelUri('models:/churn/3'));
    expect(seen[0]?.headers.authorization).toBe(`Basic ${Buffer.from('ann:s3creté').toString('base64')}`);
    expect(JSON.stringify([found, mlflow.url])).not.toContain('s3cret');
    await createMlflowServer({ url, token: 'abc' }).find(readModelUri('models:/churn/3'));
    expect(seen.at(-1)?.headers.authorization).toBe('Bearer abc');
  });

  test.each([
    ['a model that is not there', {}, 'mlflow_not_found'],
    [
      'an alias that is not there',
      { status: 400, body: { error_code: 'INVALID_PARAMETER_VALUE', message: 'Registered model alias x not found.' } },
      'mlflow_not_found',
    ],
    ['refused credentials', { status: 401, body: 'no' }, 'mlflow_refused'],
    ['a server that is something else', { body: '<html>' }, 'mlflow_refused'],
    ['a redirect', { status: 302, body: '', headers: { location: 'http://127.0.0.1:1/' } }, 'mlflow_unreachable'],
  ])('%s', async (_, answer, code) => {
    const path = '/api/2.0/mlflow/registered-models/alias?name=churn&alias=champion';
    const url = await serverOf('body' in answer ? { [path]: answer } : {});
    await expect(createMlflowServer({ url }).find(readModelUri('models:/churn@champion'))).rejects.toMatchObject({
      code,
    });
  });

  test('a server that is not there is named', async () => {
    await expect(
      createMlflowServer({ url: 'http://127.0.0.1:1' }).find(readModelUri('models:/churn@champion')),
    ).rejects.toMatchObject({
      code: 'mlflow_unreachable',
      message: expect.stringContaining('http://127.0.0.1:1') as unknown,
    });
  });
});

describe('models with an alias', () => {
  const search = (token = ''): string =>
    `/api/2.0/mlflow/registered-models/search?max_results=100${token === '' ? '' : `&page_token=${token}`}`;

  test('are read page by page, also over an empty one', async () => {
    const url = await serverOf({
      [search()]: {
        registered_models: [
          { name: 'churn', description: 'who leaves', aliases: [{ alias: 'champion', version: '3' }] },
          { name: 'none' },
        ],
        next_page_token: 'a',
      },
      [search('a')]: { next_page_token: 'b' },
      [search('b')]: {
        registered_models: [
          {
            name: 'fraud',
            aliases: [
              { alias: 'challenger', version: 9 },
              { alias: 'champion', version: 8 },
            ],
          },
        ],
      },
    });
    expect(await createMlflowServer({ url }).aliased('champion')).toEqual([
      { model: 'churn', version: '3', description: 'who leaves' },
      { model: 'fraud', version: '8', description: '' },
    ]);
  });

  test('a list without end is refused', async () => {
    const models = Array.from({ length: 5001 }, (_, at) => ({ name: `m${at}` }));
    const page = { registered_models: models, next_page_token: 'a' };
    const url = await serverOf({ [search()]: page, [search('a')]: page });
    await expect(createMlflowServer({ url }).aliased('champion')).rejects.toMatchObject({ code: 'mlflow_refused' });
  });
});

describe('files', () => {
  const list = (path: string): string => `/api/2.0/mlflow-artifacts/artifacts?path=${encodeURIComponent(path)}`;

  test('are listed through folders and read', async () => {
    const url = await serverOf({
      [list('0/m')]: {
        files: [
          { path: 'MLmodel', file_size: 5 },
          { path: 'data', is_dir: true },
        ],
      },
      [list('0/m/data')]: { files: [{ path: 'a b.pkl', is_dir: false, file_size: '3' }] },
      '/api/2.0/mlflow-artifacts/artifacts/0/m/data/a%20b.pkl': { body: 'abc' },
    });
    const mlflow = createMlflowServer({ url });
    expect(await mlflow.list('mlflow-artifacts:/0/m')).toEqual([
      { path: 'MLmodel', sizeBytes: 5 },
      { path: 'data/a b.pkl', sizeBytes: 3 },
    ]);
    expect(await new Response(await mlflow.open('mlflow-artifacts:/0/m', 'data/a b.pkl')).text()).toBe('abc');
  });

  test('never leave the folder', async () => {
    const url = await serverOf({ [list('m')]: { files: [{ path: '..', is_dir: true }] } });
    await expect(createMlflowServer({ url }).list('mlflow-artifacts:/m')).rejects.toMatchObject({
      code: 'mlflow_refused',
    });
  });

  test('a list without end is refused', async () => {
    const answers = Object.fromEntries(
      Array.from({ length: 50 }, (_, depth) => [
        list(['m', ...Array.from({ length: depth }, () => 'd')].join('/')),
        { files: [{ path: 'd', is_dir: true }] },
      ]),
    );
    const url = await serverOf(answers);
    await expect(createMlflowServer({ url }).list('mlflow-artifacts:/m')).rejects.toMatchObject({
      code: 'mlflow_refused',
    });
  });

  test.each(['s3://bucket/model', 'file:///srv/model', 'mlflow-artifacts://other:1/m'])(
    'at %s are out of reach, and that is said',
    async (artifacts) => {
      const url = await serverOf({});
      await expect(createMlflowServer({ url }).list(artifacts)).rejects.toMatchObject({
        code: 'mlflow_artifacts_unreachable',
      });
    },
  );
});
