import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { MusterError } from '@muster-ml/protocol';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { handOver, registerFile } from '../support/hand-over.ts';
import { type Place, type RunningMuster, makePlace, removePlace, root, startMuster } from '../support/muster.ts';
import { sendRaw } from '../support/raw-http.ts';

const fixtures = join(root, 'packages/runtime-onnx/fixtures');
const maxModelBytes = 100_000;

let place: Place;
let muster: RunningMuster;
let processes: readonly number[];

beforeAll(async () => {
  place = await makePlace();
  muster = await startMuster(place, { flags: ['--limits-max-model-bytes', String(maxModelBytes)] });
  await handOver(muster.client, 'bystander', join(fixtures, 'identity-fp32.onnx'));
  processes = await survivors();
});
afterAll(async () => {
  await muster.stop();
  await removePlace(place);
});

/** Whatever was sent: no process of Muster ended, and an endpoint beside it answers. */
afterEach(async () => {
  expect(await survivors()).toEqual(processes);
  const answer = await infer('bystander', { name: 'x', datatype: 'FP32', shape: [1, 3], data: [1, 2, 3] });
  expect(answer.status).toBe(200);
});

async function survivors(): Promise<readonly number[]> {
  return [...(await muster.pids('supervisor')), ...(await muster.pids('control')), ...(await muster.pids('gateway'))];
}

async function infer(endpoint: string, ...inputs: readonly unknown[]): Promise<Response> {
  return await muster.client.request(`/v2/models/${endpoint}/infer`, {
    method: 'POST',
    body: JSON.stringify({ inputs }),
  });
}

/** What a refusal says; throws where nothing was refused. */
async function refusal(attempt: Promise<unknown>): Promise<MusterError> {
  const outcome = await attempt.catch((error: unknown) => error);
  if (outcome instanceof MusterError) return outcome;
  throw new Error('nothing was refused', { cause: outcome });
}

describe('a model file', () => {
  it.each([
    ['the first half of a file', 'truncated.onnx', 'invalid_model_file', 'cut off'],
    ['random bytes', 'random.bin', 'invalid_model_file', 'protobuf'],
    ['nothing', 'empty.onnx', 'invalid_model_file', 'empty'],
    ['an unknown operator', 'unknown-op.onnx', 'unsupported_model', 'operator DoesNotExist'],
    ['an operator of an unknown domain', 'unknown-domain.onnx', 'unsupported_model', 'com.example.custom'],
    ['an operator set of the future', 'needs-opset-999.onnx', 'unsupported_model', 'operator set 999'],
    ['weights in ../..', 'external-data-escape.onnx', 'invalid_model_file', 'outside the folder'],
    ['weights at an absolute path', 'external-data-absolute.onnx', 'invalid_model_file', 'outside the folder'],
    ['weights in a file that is not there', 'external-data-missing.onnx', 'unsupported_model', 'in another file'],
    ['a tensor that declares 10 GB', 'huge-tensor.onnx', 'invalid_model_file', '9.3 GiB'],
    ['200 conditions inside each other', 'deep-subgraph.onnx', 'invalid_model_file', 'nested'],
    ['an output that is a sequence', 'sequence-out.onnx', 'unsupported_model', 'sequence'],
    ['elements that the runtime does not give', 'identity-bf16.onnx', 'unsupported_model', 'bfloat16'],
  ])('with %s is refused and says so', async (_what, file, code, cause) => {
    const error = await refusal(registerFile(muster.client, 'bad', join(fixtures, file)));
    expect(error.message).toContain(cause);
    expect(error.code).toBe(code);
    // Nothing of where the server keeps files, nor of a file that a path of this one led to.
    expect(`${error.message} ${error.remedy}`).not.toMatch(/objects\/|\/tmp\/|root:/);
    expect((await muster.client.call('versionList', { params: { model: 'bad' } })).items).toEqual([]);
  });

  it.runIf(process.arch === 'x64')('that ends the process that loads it is refused and says so', async () => {
    const error = await refusal(registerFile(muster.client, 'bad', join(fixtures, 'crash-on-load.onnx')));
    expect(error.code).toBe('inspection_failed');
    expect(error.message).toMatch(/SIGFPE|signal/);
  });

  it('that is asked for a terabyte by one row fails for that row alone', async () => {
    await handOver(muster.client, 'huge', join(fixtures, 'huge-constantofshape.onnx'));
    const rows = (...values: number[]) =>
      infer('huge', { name: 'x', datatype: 'INT64', shape: [values.length, 1], data: values });
    const [poison, ...good] = await Promise.all([rows(250_000_000_000), ...[7, 8, 9].map((value) => rows(value))]);
    expect(poison.status).toBe(500);
    expect(await poison.text()).toMatch(/"error":"model_(failed|crashed): /);
    for (const answer of good) expect(answer.status).toBe(200);
    expect((await infer('huge', { name: 'x', datatype: 'INT64', shape: [1, 1], data: [-1] })).status).toBe(500);
    expect(await (await rows(5, 6)).json()).toMatchObject({ outputs: [{ data: [6, 6] }] });
  });
});

describe('what is said about a file', () => {
  const iris = 'zipmap-int-labels.onnx';

  it.each([
    ['too few columns', 'a,b,c\n1,2,3\n', '3 columns, the model takes 4'],
    ['too many columns', 'a,b,c,d,target\n1,2,3,4,0\n', '5 columns, the model takes 4'],
    ['no row', 'a,b,c,d\n', 'at least one row'],
    ['nothing', '', 'at least one row'],
    ['a text in a column of numbers', 'a,b,c,d\n1,2,3,4\n1,secret,3,4\n', 'row 2, column b'],
    ['a column twice', 'a,b,b,d\n1,2,3,4\n', 'there twice'],
    ['a column without a name', 'a,,c,d\n1,2,3,4\n', 'no name'],
    ['a line that is shorter than the first', 'a,b,c,d\n1,2,3\n', 'line 2'],
    ['a quote that never ends', 'a,b,c,d\n"1,2,3,4\n', 'uot'],
  ])('a sample with %s is refused and says so', async (_what, sampleCsv, cause) => {
    const error = await refusal(registerFile(muster.client, 'iris', join(fixtures, iris), { sampleCsv }));
    expect(error.message).toContain(cause);
    expect(error).toMatchObject({ code: 'invalid_sample', place: 'body.sampleCsv' });
    expect(error.message).not.toContain('secret');
  });

  it.each([
    ['3 features of 4', { features: ['a', 'b', 'c'] }, '3 features are named', 'body.signature.features'],
    ['5 features of 4', { features: ['a', 'b', 'c', 'd', 'e'] }, '5 features are named', 'body.signature.features'],
    ['no features', { features: [] }, '0 features are named', 'body.signature.features'],
    ['a feature twice', { features: ['a', 'b', 'c', 'a'] }, 'feature a is named twice', 'body.signature.features'],
    ['2 labels of 3', { labels: ['a', 'b'] }, '2 labels are named', 'body.signature.labels'],
    ['a label twice', { labels: ['a', 'b', 'a'] }, 'label a is named twice', 'body.signature.labels'],
  ])('a signature with %s is refused and says so', async (_what, signature, cause, where) => {
    const error = await refusal(registerFile(muster.client, 'iris', join(fixtures, iris), { signature }));
    expect(error.message).toContain(cause);
    expect(error).toMatchObject({ code: 'invalid_signature', place: where });
  });

  it('features of a model that has no columns are refused', async () => {
    const error = await refusal(
      registerFile(muster.client, 'ids', join(fixtures, 'add-row-id.onnx'), { signature: { features: ['a'] } }),
    );
    expect(error).toMatchObject({ code: 'invalid_signature', message: expect.stringContaining('id, x') as unknown });
  });

  it('an unknown field names the nearest one', async () => {
    const answer = await muster.client.request('/api/v1/models/iris/versions', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ digest: '0'.repeat(64), sampleCVS: 'a' }),
    });
    expect(answer.status).toBe(400);
    expect(await answer.json()).toMatchObject({
      code: 'invalid_request',
      detail: expect.stringMatching(/sampleCVS.*sampleCsv/) as unknown,
    });
  });
});

describe('an upload', () => {
  const bytes = new Uint8Array(1000).fill(7);
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  const start = async (body: { sizeBytes: number; sha256?: string }) =>
    await muster.client.call('uploadStart', { body });
  const part = async (upload: string, number: number, body: Uint8Array, headers: Record<string, string> = {}) =>
    await muster.client.call('uploadPart', { params: { upload, part: number }, body, headers });
  const complete = async (upload: string) => await muster.client.call('uploadComplete', { params: { upload } });

  it('over the limit is refused before a byte is sent', async () => {
    const error = await refusal(start({ sizeBytes: maxModelBytes + 1 }));
    expect(error.code).toBe('model_too_large');
    expect(error.message).toContain(String(maxModelBytes));
    expect(error.remedy).toContain('limits.maxModelBytes');
    await start({ sizeBytes: maxModelBytes });
  });

  it.each([
    ['shorter', 999, '999'],
    ['longer', 1001, 'more than 1000'],
  ])(
    'whose part is %s than it must be is refused, and the right part is taken after that',
    async (_what, length, cause) => {
      const { id } = await start({ sizeBytes: 1000 });
      const error = await refusal(part(id, 1, new Uint8Array(length)));
      expect(error.message).toContain(cause);
      expect(error).toMatchObject({ code: 'invalid_request', place: 'body' });
      expect((await refusal(complete(id))).code).toBe('upload_incomplete');
      await part(id, 1, bytes);
      expect(await complete(id)).toEqual({ digest: sha256, sizeBytes: 1000 });
    },
  );

  it.each([
    [2, 'there is no part 2'],
    [0, 'part'],
    [-1, 'part'],
    [1.5, 'part'],
    [100_001, 'part'],
  ])('has no part %d', async (number, cause) => {
    const { id } = await start({ sizeBytes: 1000 });
    const error = await refusal(part(id, number, bytes));
    expect(error.code).toBe('invalid_request');
    expect(error.message).toContain(cause);
  });

  it('whose content is not what was announced is refused, as a whole and by its part', async () => {
    const { id } = await start({ sizeBytes: 1000, sha256: '0'.repeat(64) });
    const wrong = `sha-256=:${Buffer.alloc(32).toString('base64')}:`;
    expect((await refusal(part(id, 1, bytes, { 'content-digest': wrong }))).code).toBe('digest_mismatch');
    await part(id, 1, bytes);
    const error = await refusal(complete(id));
    expect(error.code).toBe('digest_mismatch');
    expect(error.message).toContain(sha256);
    expect((await refusal(complete(id))).code).toBe('upload_not_found');
  });

  it.each(['nobody', '../../etc/passwd', 'ünïcode', 'x'.repeat(100)])('%s is not there', async (upload) => {
    const call = { params: { upload } };
    expect((await refusal(muster.client.call('uploadGet', call))).code).toBe('upload_not_found');
    expect((await refusal(part(upload, 1, bytes))).code).toBe('upload_not_found');
    expect((await refusal(complete(upload))).code).toBe('upload_not_found');
    expect((await refusal(muster.client.call('uploadAbort', call))).code).toBe('upload_not_found');
  });

  it('that was never made gives no version', async () => {
    await muster.client.call('modelCreate', { body: { name: 'nothing' } });
    const error = await refusal(
      muster.client.call('versionRegister', { params: { model: 'nothing' }, body: { digest: '0'.repeat(64) } }),
    );
    expect(error.code).toBe('object_not_found');
  });

  it('whose part is far too large is answered, also to a client that sends all of it first', async () => {
    const { id } = await start({ sizeBytes: 1000 });
    const answer = await sendRaw(muster.url, {
      head: `PUT /api/v1/uploads/${id}/parts/1 HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer ${muster.token}\r\nContent-Type: application/octet-stream\r\nContent-Length: 800000\r\nConnection: close\r\n\r\n`,
      body: Array.from({ length: 100 }, () => new Uint8Array(8000)),
    });
    expect(JSON.parse(answer.body)).toMatchObject({ code: 'invalid_request', place: 'body' });
    expect(answer.status).toBe(400);
  });
});
