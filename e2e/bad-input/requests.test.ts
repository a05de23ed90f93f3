import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { handOver } from '../support/hand-over.ts';
import { type Place, type RunningMuster, makePlace, removePlace, root, startMuster } from '../support/muster.ts';
import { sendRaw } from '../support/raw-http.ts';
import { until } from '../support/until.ts';

const fixtures = join(root, 'packages/runtime-onnx/fixtures');
const json = { 'content-type': 'application/json' };
const bodyMs = 1000;
const bodyBytes = 100_000;
const row = { name: 'x', datatype: 'FP32', shape: [1, 3], data: [1, 2, 3] };

let place: Place;
let muster: RunningMuster;
let processes: readonly number[];

beforeAll(async () => {
  place = await makePlace();
  muster = await startMuster(place, { flags: ['--gateway-body-ms', String(bodyMs)] });
  const names = { signature: { features: ['a', 'b', 'c'] } };
  await handOver(muster.client, 'matrix', join(fixtures, 'identity-fp32.onnx'), names);
  for (const [endpoint, file] of [
    ['integers', 'identity-int32.onnx'],
    ['bytes', 'identity-uint8.onnx'],
    ['texts', 'string-lookup.onnx'],
    ['two-inputs', 'add-row-id.onnx'],
    ['nan', 'nan-out.onnx'],
    ['doubles', 'identity-fp64.onnx'],
    ['halves', 'identity-fp16.onnx'],
  ] as const)
    await handOver(muster.client, endpoint, join(fixtures, file));
  await muster.client.call('endpointUpdate', { params: { endpoint: 'integers' }, body: { limits: { bodyBytes } } });
  const large = ' '.repeat(bodyBytes + 1);
  await until('the limit holds', 10_000, async () => (await infer('integers', large)).status === 413);
  processes = await everyProcess();
});
afterAll(async () => {
  await muster.stop();
  await removePlace(place);
});

/** Whatever was sent: no process ended, runners included, and the next request is answered. */
afterEach(async () => {
  expect(await everyProcess()).toEqual(processes);
  expect((await infer('matrix', { inputs: [row] })).status).toBe(200);
});

async function everyProcess(): Promise<readonly number[]> {
  const { processes: found } = await muster.client.call('status');
  return found.map(({ pid }) => pid ?? 0);
}

async function infer(endpoint: string, body: unknown, headers: Record<string, string> = {}): Promise<Response> {
  return await post(`/v2/models/${endpoint}/infer`, body, headers);
}

async function post(path: string, body: unknown, headers: Record<string, string> = {}): Promise<Response> {
  return await muster.client.request(path, {
    method: 'POST',
    headers,
    body: typeof body === 'string' || body instanceof Uint8Array ? (body as string) : JSON.stringify(body),
  });
}

async function expectOipError(
  answer: Response,
  status: number,
  code: string,
  ...words: readonly string[]
): Promise<void> {
  const body = await answer.text();
  const { error } = JSON.parse(body) as { error: string };
  expect(error.startsWith(`${code}: `), body).toBe(true);
  for (const word of words) expect(error).toContain(word);
  expect(answer.status).toBe(status);
  expect(answer.headers.get('content-type')).toBe('application/json');
}

async function expectProblem(
  answer: Response,
  status: number,
  code: string,
  ...words: readonly string[]
): Promise<void> {
  const body = (await answer.json()) as { code: string; detail: string; remedy: string };
  expect(body.code, body.detail).toBe(code);
  for (const word of words) expect(body.detail).toContain(word);
  expect(body.remedy).not.toBe('');
  expect(answer.status).toBe(status);
  expect(answer.headers.get('content-type')).toBe('application/problem+json');
}

describe('an inference request', () => {
  it.each([
    ['a wrong rank', 'matrix', { ...row, shape: [3] }, 'invalid_shape', '[3]'],
    ['a wrong width', 'matrix', { ...row, shape: [1, 4], data: [1, 2, 3, 4] }, 'invalid_shape', '[1,4]'],
    ['more values than the shape says', 'matrix', { ...row, data: [1, 2, 3, 4] }, 'invalid_data', '4'],
    ['fewer values than the shape says', 'matrix', { ...row, data: [1, 2] }, 'invalid_data', '2'],
    ['a negative dimension', 'matrix', { ...row, shape: [-1, 3] }, 'invalid_shape', '-1'],
    ['a fraction of a dimension', 'matrix', { ...row, shape: [0.5, 3] }, 'invalid_shape', 'shape[0]'],
    ['a shape that overflows', 'matrix', { ...row, shape: [2 ** 53, 3] }, 'invalid_shape', 'shape'],
    ['no shape', 'matrix', { ...row, shape: undefined }, 'invalid_inference_request', 'shape'],
    ['another datatype', 'matrix', { ...row, datatype: 'FP64' }, 'invalid_datatype', 'FP32'],
    ['an unknown datatype', 'matrix', { ...row, datatype: 'FLOAT' }, 'invalid_datatype', 'FLOAT'],
    ['no datatype', 'matrix', { ...row, datatype: undefined }, 'invalid_inference_request', 'datatype'],
    ['a text for a number', 'matrix', { ...row, data: [1, 'two', 3] }, 'invalid_data', 'inputs[0].data[1]'],
    ['an object for a number', 'matrix', { ...row, data: [1, {}, 3] }, 'invalid_data', 'inputs[0].data[1]'],
    ['a number that FP32 cannot hold', 'matrix', { ...row, data: [1, 1e39, 3] }, 'invalid_data', 'inputs[0].data[1]'],
    [
      'a fraction for an integer',
      'integers',
      { ...row, datatype: 'INT32', data: [1, 1.5, 3] },
      'invalid_data',
      'data[1]',
    ],
    ['an integer out of range', 'bytes', { ...row, datatype: 'UINT8', data: [1, 300, 3] }, 'invalid_data', 'data[1]'],
    [
      'a number for a text',
      'texts',
      { name: 'x', datatype: 'BYTES', shape: [1, 1], data: [1] },
      'invalid_data',
      'data[0]',
    ],
    ['no data', 'matrix', { ...row, data: undefined }, 'invalid_inference_request', 'data'],
    ['an input that the model has not', 'matrix', { ...row, name: 'y' }, 'unknown_input', '"y"'],
  ])('with %s is refused, naming it', async (_what, endpoint, input, code, word) => {
    await expectOipError(await infer(endpoint, { inputs: [input] }), 400, code, word);
  });

  const id = { name: 'id', datatype: 'INT64', shape: [1, 1], data: [1] };
  const x = { name: 'x', datatype: 'FP32', shape: [1, 4], data: [1, 2, 3, 4] };
  it.each([
    ['a missing input', { inputs: [x] }, 'missing_input', 'id'],
    ['no input', { inputs: [] }, 'missing_input', 'id'],
    ['no list of inputs', {}, 'invalid_inference_request', 'inputs'],
    ['an extra input', { inputs: [id, x, { ...x, name: 'z' }] }, 'unknown_input', '"z"'],
    ['an input twice', { inputs: [id, x, x] }, 'duplicate_input', 'x'],
    [
      'inputs that differ in their rows',
      { inputs: [{ ...id, shape: [2, 1], data: [1, 2] }, x] },
      'invalid_shape',
      'rows',
    ],
    [
      'an output that the model has not',
      { inputs: [id, x], outputs: [{ name: 'logits' }] },
      'unknown_output',
      'logits',
    ],
    [
      'a parameter that is a list',
      { inputs: [id, x], parameters: { a: [] } },
      'invalid_inference_request',
      'parameters',
    ],
    ['a text as timeout', { inputs: [id, x], parameters: { timeout: 'soon' } }, 'invalid_inference_request', 'timeout'],
  ])('with %s is refused, naming it', async (_what, body, code, word) => {
    await expectOipError(await infer('two-inputs', body), 400, code, word);
  });

  it('with an empty batch gets an empty answer', async () => {
    const answer = await infer('matrix', { inputs: [{ ...row, shape: [0, 3], data: [] }] });
    expect(await answer.json()).toMatchObject({ outputs: [{ name: 'y', shape: [0, 3], data: [] }] });
  });

  it.each([
    ['nothing', '', 'invalid_json'],
    ['half a document', '{"inputs": [{"name": "x"', 'invalid_json'],
    ['two documents', '{"inputs": []}{"inputs": []}', 'invalid_json'],
    ['single quotes', "{'inputs': []}", 'invalid_json'],
    ['a comma too many', '{"inputs": [],}', 'invalid_json'],
    ['a list', '[]', 'invalid_inference_request'],
    ['a list 10,000 deep', '['.repeat(10_000), 'invalid_'],
    [
      'data 10,000 deep',
      `{"inputs":[{"name":"x","datatype":"FP32","shape":[1,3],"data":${'['.repeat(10_000)}1${']'.repeat(10_000)}}]}`,
      'invalid_',
    ],
    [
      'an unknown field 10,000 deep',
      `{"a":${'{"a":'.repeat(10_000)}1${'}'.repeat(10_000)},"inputs":[]}`,
      'invalid_json',
    ],
    ['bytes that are no UTF-8', new Uint8Array([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d]), 'invalid_'],
  ])('that is %s is refused', async (_what, body, code) => {
    const answer = await infer('matrix', body);
    expect(answer.status).toBe(400);
    expect(((await answer.json()) as { error: string }).error).toMatch(new RegExp(`^${code}`));
  });

  it.each([
    ['a length that is no number', '1e2'],
    ['a negative length', '-1'],
    ['a length beyond the body', '1000'],
  ])('with %s in its header is refused', async (_what, length) => {
    const headers = { 'inference-header-content-length': length };
    await expectOipError(await infer('matrix', { inputs: [row] }, headers), 400, 'invalid_binary_data');
  });

  it('in an unknown encoding is 415 with those that are known; one that is not what it says is 400', async () => {
    const unknown = await infer('matrix', { inputs: [row] }, { 'content-encoding': 'br' });
    expect(unknown.headers.get('accept-encoding')).toBe('gzip, deflate');
    await expectOipError(unknown, 415, 'unsupported_media_type');
    expect((await infer('matrix', { inputs: [row] }, { 'content-encoding': 'gzip' })).status).toBe(400);
  });
});

describe('NaN and infinity', () => {
  it.each([
    ['matrix', 'FP32'],
    ['doubles', 'FP64'],
    ['halves', 'FP16'],
  ])('are read in every form and written so that a strict parser reads them (%s)', async (endpoint, datatype) => {
    for (const [text, expected] of [
      ['[NaN,Infinity,-Infinity]', ['NaN', 'Infinity', '-Infinity']],
      ['["NaN","Infinity","-Infinity"]', ['NaN', 'Infinity', '-Infinity']],
      ['[null,1,2]', ['NaN', 1, 2]],
      ['[[null,-Infinity,"NaN"]]', ['NaN', '-Infinity', 'NaN']],
    ] as const) {
      const answer = await infer(
        endpoint,
        `{"inputs":[{"name":"x","datatype":"${datatype}","shape":[1,3],"data":${text}}]}`,
      );
      expect(JSON.parse(await answer.text())).toMatchObject({ outputs: [{ data: expected }] });
    }
  });

  it('that the model itself computes pass a strict parser, and come as they are in binary', async () => {
    const inputs = [{ name: 'x', datatype: 'FP32', shape: [2, 1], data: [0, -1] }];
    const answer = JSON.parse(await (await infer('nan', { inputs })).text()) as unknown;
    expect(answer).toMatchObject({
      outputs: [
        { name: 'log', data: ['-Infinity', 'NaN'] },
        { name: 'inverse', data: ['Infinity', -1] },
      ],
    });
    const binary = await infer('nan', { inputs, parameters: { binary_data_output: true } });
    const body = new Uint8Array(await binary.arrayBuffer());
    const floats = new Float32Array(body.slice(Number(binary.headers.get('inference-header-content-length'))).buffer);
    expect([...floats]).toEqual([-Infinity, Number.NaN, Infinity, -1]);
  });

  it('have no place among integers, booleans and texts', async () => {
    for (const value of ['NaN', 'null', '"NaN"', 'Infinity']) {
      const body = `{"inputs":[{"name":"x","datatype":"INT32","shape":[1,3],"data":[1,${value},3]}]}`;
      expect((await infer('integers', body)).status).toBe(400);
    }
  });

  it('are read and written by /predict too', async () => {
    const rows = '{"rows":[{"a":NaN,"b":null,"c":"-Infinity"}]}';
    const answer = await post('/predict/matrix', rows, json);
    const text = await answer.text();
    expect(answer.status, text).toBe(200);
    expect(JSON.parse(text)).toMatchObject({ predictions: [{ y: ['NaN', 'NaN', '-Infinity'] }] });
  });
});

describe('rows for /predict', () => {
  it.each([
    ['a missing field', { rows: [{ a: 1, b: 2 }] }, 'invalid_rows', '"c"'],
    ['a field that the model has not', { rows: [{ a: 1, b: 2, c: 3, cc: 4 }] }, 'invalid_rows', '"cc"'],
    ['a text for a number', { rows: [{ a: 1, b: 'two', c: 3 }] }, 'invalid_rows', 'rows[0]'],
    ['a list for a row', { rows: [[1, 2]] }, 'invalid_rows', 'rows[0]'],
    ['no rows', {}, 'invalid_rows', 'rows'],
    ['something else for rows', { rows: 'all' }, 'invalid_rows', 'rows'],
    ['a field twice', '{"rows":[{"a":1,"a":2,"b":2,"c":3}]}', 'invalid_rows', '"a"'],
    ['half a document', '{"rows":[{"a":1', 'invalid_json', ''],
    ['a list 10,000 deep', `{"rows":${'['.repeat(10_000)}${']'.repeat(10_000)}}`, 'invalid_', ''],
  ])('with %s are refused, naming it', async (_what, body, code, word) => {
    const answer = await post('/predict/matrix', body, json);
    const problem = (await answer.json()) as { code: string; detail: string };
    expect(problem.code).toMatch(new RegExp(`^${code}`));
    expect(problem.detail).toContain(word);
    expect(answer.status).toBe(400);
  });

  it.each([
    ['a missing column', 'a,b\n1,2\n', 'c'],
    ['a column that the model has not', 'a,b,c,d\n1,2,3,4\n', '"d"'],
    ['a column twice', 'a,b,c,c\n1,2,3,4\n', 'c'],
    ['a short line', 'a,b,c\n1,2,3\n1,2\n', 'line 3'],
    ['a text for a number', 'a,b,c\n1,two,3\n', '"b"'],
    ['a quote that never ends', 'a,b,c\n"1,2,3\n', 'quote'],
    ['nothing', '', ''],
  ])('as CSV with %s are refused, naming it', async (_what, body, word) => {
    const answer = await post('/predict/matrix', body, { 'content-type': 'text/csv' });
    const problem = (await answer.json()) as { code: string; detail: string };
    expect(problem.detail).toContain(word);
    expect(problem.code).toMatch(/^invalid_(csv|rows)$/);
    expect(answer.status).toBe(400);
  });

  it('that are none get no predictions', async () => {
    expect(await (await post('/predict/matrix', { rows: [] }, json)).json()).toMatchObject({ predictions: [] });
    const csv = await post('/predict/matrix', 'a,b,c\n', { 'content-type': 'text/csv' });
    expect(await csv.json()).toMatchObject({ predictions: [] });
  });

  it('of another type are 415', async () => {
    await expectProblem(
      await post('/predict/matrix', '<rows/>', { 'content-type': 'application/xml' }),
      415,
      'unsupported_media_type',
    );
  });
});

describe('a body', () => {
  const head = (path: string, length: number | 'chunked', type = 'application/json'): string =>
    `POST ${path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer ${muster.token}\r\nContent-Type: ${type}\r\n${
      length === 'chunked' ? 'Transfer-Encoding: chunked' : `Content-Length: ${length}`
    }\r\n\r\n`;
  const pieces = (count: number): Uint8Array[] => Array.from({ length: count }, () => new Uint8Array(8000).fill(0x20));

  it.each([
    ['/v2/models/integers/infer', 'announced'],
    ['/v2/models/integers/infer', 'in chunks'],
    ['/predict/integers', 'announced'],
    ['/predict/integers', 'in chunks'],
  ] as const)(
    'over the limit (%s, %s) is 413, which a client can read that sends all of it first',
    async (path, how) => {
      const count = 100;
      const body = pieces(count);
      const chunked = body.flatMap((piece) => [`${piece.length.toString(16)}\r\n`, piece, '\r\n']);
      const answer = await sendRaw(
        muster.url,
        how === 'announced'
          ? { head: head(path, count * 8000), body }
          : { head: head(path, 'chunked'), body: [...chunked, '0\r\n\r\n'] },
      );
      expect(answer.body).toContain('body_too_large');
      expect(answer.body).toContain(String(bodyBytes));
      expect(answer.status).toBe(413);
    },
  );

  it('over the limit of the management API is 413 too', async () => {
    const count = 600;
    const answer = await sendRaw(muster.url, { head: head('/api/v1/models', count * 8000), body: pieces(count) });
    expect(JSON.parse(answer.body)).toMatchObject({ code: 'body_too_large', status: 413 });
    expect(answer.status).toBe(413);
  });

  it.each(['/v2/models/matrix/infer', '/predict/matrix'])(
    'that crawls in is given up after a while (%s)',
    async (path) => {
      const answer = await sendRaw(muster.url, { head: head(path, 1000), body: ['{"inputs"'] });
      expect(answer.body).toContain('body_too_slow');
      expect(answer.status).toBe(408);
    },
  );

  it('that never comes does not keep the connection of a refusal open', async () => {
    const answer = await sendRaw(muster.url, { head: head('/v2/models/nobody/infer', 1000), body: ['{'] });
    expect(answer.status).toBe(404);
  });

  it('that is a bomb of compression is refused by its inflated size', async () => {
    const bomb = gzipSync(new Uint8Array(50_000_000));
    expect(bomb.length).toBeLessThan(bodyBytes);
    await expectOipError(await infer('integers', bomb, { 'content-encoding': 'gzip' }), 413, 'body_too_large');
  });

  it('of the management API that is no JSON is refused', async () => {
    const call = async (body: string): Promise<Response> =>
      await post('/api/v1/models', body, { 'content-type': 'application/json' });
    await expectProblem(await call('{"name":'), 400, 'invalid_json');
    expect((await call('['.repeat(10_000))).status).toBe(400);
    const deep = await call(`{"name":"deep","tags":${'{"a":'.repeat(10_000)}1${'}'.repeat(10_001)}`);
    await expectProblem(deep, 400, 'invalid_request', 'tags');
    await expectProblem(
      await post('/api/v1/models', '<a/>', { 'content-type': 'text/xml' }),
      415,
      'unsupported_media_type',
    );
  });
});
