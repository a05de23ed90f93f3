import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Datatype, type Problem, type Tensor, frameKinds, linkVersion } from '@muster-ml/protocol';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  LinkClient,
  type RunnerChild,
  codeOf,
  fixture,
  replicaOptions,
  startRunner,
  steps,
  tensor,
} from '../test-support/link-client.ts';
import { onnxModel } from '../test-support/onnx-model.ts';
import { writeStrings } from './tensor-values.ts';

const deadlineMs = 10_000;

function floats(...values: number[]): Tensor {
  return tensor('x', 'FP32', [values.length / 3, 3], new Float32Array(values));
}

async function until(condition: () => boolean): Promise<void> {
  const end = Date.now() + deadlineMs;
  while (!condition()) {
    if (Date.now() > end) throw new Error('it did not happen in time');
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

describe('a runner', () => {
  let runner: RunnerChild;
  let client: LinkClient;
  beforeAll(async () => {
    runner = await startRunner();
    client = await runner.connect();
  });
  afterAll(() => runner.end());

  test('says in its greeting what it is and which replicas are ready', async () => {
    await client.load('greeted', fixture('identity-fp32.onnx'));
    const another = new LinkClient(runner.target);
    const { header } = await another.greet(linkVersion);
    expect(header).toMatchObject({
      link: linkVersion,
      role: 'onnx',
      ready: expect.arrayContaining(['greeted']) as unknown,
    });
    expect((header as { software: string }).software).toMatch(/onnxruntime-node\/1\.30\.\d+ node\/24\./u);
    another.close();
  });

  test('tells a peer of replicas that become ready between the greeting of the runner and its own', async () => {
    const slow = new LinkClient(runner.target);
    await once(slow.socket, 'data'); // the runner has greeted
    await client.load('between', fixture('identity-fp32.onnx'));
    await slow.greet(linkVersion);
    await until(() => slow.events.length > 0);
    expect(slow.events).toEqual([{ replica: 'between', state: 'ready' }]);
    slow.close();
  });

  test('refuses another version of the link by name and closes', async () => {
    const another = new LinkClient(runner.target);
    await another.greet(linkVersion + 1);
    await once(another.socket, 'close');
    expect(another.unasked.map(({ header }) => header as Problem)).toMatchObject([
      { code: 'link_violation', detail: expect.stringContaining(`version ${linkVersion + 1}`) as unknown },
    ]);
  });

  test('cuts off a peer that does not greet, and one whose frames are none', async () => {
    for (const bytes of [Buffer.from('GET / HTTP/1.1\r\n\r\n'), Buffer.alloc(64, 0xff)]) {
      const another = new LinkClient(runner.target);
      another.socket.write(bytes);
      await once(another.socket, 'close');
      expect(another.unasked).toHaveLength(1);
    }
    expect((await client.health()).rssBytes).toBeGreaterThan(0);
  });

  test('is ready only when the replica has answered, tells everybody, and is loaded once', async () => {
    const watcher = await runner.connect();
    const loaded = await client.load('once', fixture('identity-fp32.onnx'));
    expect(loaded).toMatchObject({ replica: 'once', warmup: expect.stringContaining('made input') as unknown });
    expect(loaded.loadMs).toBeGreaterThan(0);
    await until(() => watcher.events.length > 0);
    expect(watcher.events).toContainEqual({ replica: 'once', state: 'ready' });
    expect(await client.load('once', fixture('identity-fp32.onnx'))).toEqual(loaded);
    expect(await codeOf(client.load('once', fixture('identity-fp64.onnx')))).toBe('link_violation');
  });

  test('warms up with the sample, and is not ready if the model does not answer it', async () => {
    const loaded = await client.load('sampled', fixture('identity-fp32.onnx'), replicaOptions, [floats(1, 2, 3)]);
    expect(loaded.warmup).toBe('the sample');
    const wrong = tensor('x', 'FP32', [1, 2], new Float32Array(2));
    expect(await codeOf(client.load('missampled', fixture('identity-fp32.onnx'), replicaOptions, [wrong]))).toBe(
      'deployment_failed',
    );
    const { replicas } = await client.health();
    expect(replicas.find(({ replica }) => replica === 'missampled')?.state).toBe('failed');
    expect(await codeOf(client.infer('missampled', [floats(1, 2, 3)]))).toBe('replica_not_loaded');
  });

  test('loads a replica that failed when it is asked again', async () => {
    expect(await codeOf(client.load('again', fixture('truncated.onnx')))).toBe('invalid_model_file');
    expect(await client.load('again', fixture('identity-fp32.onnx'))).toMatchObject({ replica: 'again' });
  });

  const extremes: readonly (readonly [Datatype, ArrayBufferView])[] = [
    ['BOOL', Uint8Array.of(0, 1, 1)],
    ['UINT8', Uint8Array.of(0, 1, 255)],
    ['UINT16', Uint16Array.of(0, 1, 65_535)],
    ['UINT32', Uint32Array.of(0, 1, 2 ** 32 - 1)],
    ['UINT64', BigUint64Array.of(0n, 2n ** 63n, 2n ** 64n - 1n)],
    ['INT8', Int8Array.of(-128, 0, 127)],
    ['INT16', Int16Array.of(-32_768, 0, 32_767)],
    ['INT32', Int32Array.of(-(2 ** 31), 0, 2 ** 31 - 1)],
    ['INT64', BigInt64Array.of(-(2n ** 63n), 2n ** 53n + 1n, 2n ** 63n - 1n)],
    ['FP16', Uint16Array.of(0x7e00, 0xfc00, 0x0001)], // NaN, -Infinity, the smallest subnormal
    ['FP32', Float32Array.of(Number.NaN, Number.POSITIVE_INFINITY, 1e-45)],
    ['FP64', Float64Array.of(-0, Number.NEGATIVE_INFINITY, 5e-324)],
  ];
  test.each(extremes)('gives back %s bit for bit, however the bytes are aligned', async (datatype, values) => {
    const replica = `identity-${datatype.toLowerCase()}`;
    await client.load(replica, fixture(`${replica}.onnx`));
    const input = tensor('x', datatype, [1, 3], values);
    // Two inputs' headers of different length move the payload through all alignments.
    for (const padding of ['', 'a', 'ab', 'abc', 'abcd', 'abcde', 'abcdef', 'abcdefg']) {
      const { answer } = client.send(
        frameKinds.infer,
        { replica, padding, inputs: [{ name: 'x', datatype, shape: [1, 3], size: input.bytes.byteLength }] },
        [input.bytes],
      );
      const { kind, header, payload } = await answer;
      expect(kind).toBe(frameKinds.result);
      expect(header).toMatchObject({ outputs: [{ name: 'y', datatype, shape: [1, 3], size: input.bytes.byteLength }] });
      expect(payload).toEqual(input.bytes);
    }
    const empty = await client.infer(replica, [{ name: 'x', datatype, shape: [0, 3], bytes: new Uint8Array(0) }]);
    expect(empty).toEqual([{ name: 'y', datatype, shape: [0, 3], bytes: new Uint8Array(0) }]);
  });

  test('gives back text of any language, and refuses what would reach the model changed', async () => {
    await client.load('text', fixture('identity-bytes.onnx'));
    const text = (...bytes: Uint8Array[]): Tensor => {
      const parts = bytes.flatMap((part) => [...new Uint8Array(Uint32Array.of(part.byteLength).buffer), ...part]);
      return { name: 'x', datatype: 'BYTES', shape: [1, 3], bytes: Uint8Array.from(parts) };
    };
    const encode = (value: string): Uint8Array => new TextEncoder().encode(value);
    for (const value of ['', 'ü', '😀', '漢字', '\u{FEFF}x', '\uFFFD']) {
      const input = text(encode(value), encode('b'), encode(value));
      expect(await client.infer('text', [input])).toEqual([{ ...input, name: 'y' }]);
    }
    expect(await codeOf(client.infer('text', [text(encode('a\0b'), encode(''), encode(''))]))).toBe('invalid_data');
    expect(await codeOf(client.infer('text', [text(Uint8Array.of(0xff, 0xfe), encode(''), encode(''))]))).toBe(
      'invalid_data',
    );
    const short = text(encode('abc'), encode('def'), encode('ghi'));
    expect(await codeOf(client.infer('text', [{ ...short, bytes: short.bytes.subarray(0, -1) }]))).toBe('invalid_data');
    expect(
      await client.infer('text', [{ name: 'x', datatype: 'BYTES', shape: [0, 3], bytes: new Uint8Array(0) }]),
    ).toMatchObject([{ shape: [0, 3] }]);
  });

  test('refuses what is not what the model takes, and goes on', async () => {
    await client.load('picky', fixture('add-row-id.onnx'));
    const id = tensor('id', 'INT64', [1, 1], BigInt64Array.of(7n));
    const x = tensor('x', 'FP32', [1, 4], new Float32Array([1, 2, 3, 4]));
    expect(await codeOf(client.infer('picky', [id]))).toBe('missing_input');
    expect(await codeOf(client.infer('picky', [id, x, { ...x, name: 'z' }]))).toBe('unknown_input');
    expect(await codeOf(client.infer('picky', [id, x, x]))).toBe('duplicate_input');
    expect(await codeOf(client.infer('picky', [id, { ...x, datatype: 'INT32' }]))).toBe('invalid_datatype');
    expect(await codeOf(client.infer('picky', [id, tensor('x', 'FP32', [1, 3], new Float32Array(3))]))).toBe(
      'invalid_shape',
    );
    expect(await codeOf(client.infer('picky', [id, tensor('x', 'FP32', [4], new Float32Array(4))]))).toBe(
      'invalid_shape',
    );
    expect(await codeOf(client.infer('picky', [id, x], ['nothing']))).toBe('unknown_output');
    expect(await codeOf(client.infer('nobody', [id, x]))).toBe('replica_not_loaded');
    const wrongSize = client.send(
      frameKinds.infer,
      { replica: 'picky', inputs: [{ name: 'x', datatype: 'FP32', shape: [1, 4], size: 15 }] },
      [new Uint8Array(15)],
    );
    expect((await wrongSize.answer).header).toMatchObject({ code: 'link_violation' });
    const [sum, rowId] = await client.infer('picky', [id, x], ['sum', 'row_id']);
    expect([sum?.name, rowId?.name]).toEqual(['sum', 'row_id']);
    expect(new Float32Array(sum?.bytes.slice().buffer ?? new ArrayBuffer(0))).toEqual(Float32Array.of(10));
    expect((await client.infer('picky', [id, x])).map(({ name }) => name)).toEqual(['row_id', 'sum']);
  });

  test('refuses a BOOL other than 0 and 1', async () => {
    await client.load('bool', fixture('identity-bool.onnx'));
    expect(await codeOf(client.infer('bool', [tensor('x', 'BOOL', [1, 3], Uint8Array.of(0, 1, 2))]))).toBe(
      'invalid_data',
    );
  });

  test('says why a model failed without the paths of the machine', async () => {
    await client.load('hungry', fixture('huge-constantofshape.onnx'));
    const answer = client.infer('hungry', [tensor('x', 'INT64', [1, 1], BigInt64Array.of(1n << 40n))]);
    await expect(answer).rejects.toMatchObject({
      code: 'model_failed',
      message: expect.not.stringContaining('/') as unknown,
    });
  });

  test('serves a classifier without its ZipMap under the same names', async () => {
    await client.load('iris', fixture('zipmap-string-labels.onnx'));
    const [label, probability] = await client.infer('iris', [
      tensor('input', 'FP32', [1, 4], new Float32Array([5.1, 3.5, 1.4, 0.2])),
    ]);
    expect(label).toEqual({ name: 'output_label', datatype: 'BYTES', shape: [1], bytes: writeStrings(['setosa']) });
    expect(probability).toMatchObject({ name: 'output_probability', datatype: 'FP32', shape: [1, 3] });
    const [setosa = 0, ...others] = new Float32Array(probability?.bytes.slice().buffer ?? new ArrayBuffer(0));
    expect(setosa).toBeGreaterThan(0.9);
    expect(setosa + others.reduce((sum, value) => sum + value, 0)).toBeCloseTo(1, 5);
  });

  test('tries several made inputs until the model answers one', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'muster-onnx-'));
    const file = join(folder, 'picky.onnx');
    // Takes the second of the variable columns: an input with one column fails.
    writeFileSync(
      file,
      onnxModel({
        inputs: [{ name: 'x', element: 1, shape: ['N', 'M'] }],
        outputs: [{ name: 'y', element: 1, shape: ['N'] }],
        initializers: [{ name: 'second', element: 7, shape: [], int64: [1] }],
        nodes: [{ op: 'Gather', inputs: ['x', 'second'], outputs: ['y'], ints: { axis: 1 } }],
      }),
    );
    expect((await client.load('columns', file)).warmup).toBe('a made input: all zeros, 1 row, variable dimensions 2');
    rmSync(folder, { recursive: true });
  });

  test.each([
    ['cuda', { executionProviders: ['cuda'] }],
    ['an unknown provider', { executionProviders: ['abacus'] }],
    ['threads below zero', { intraOpThreads: -1 }],
  ])('refuses %s instead of running without it', async (_, options) => {
    const answer = client.load('optional', fixture('identity-fp32.onnx'), { ...replicaOptions, ...options });
    await expect(answer).rejects.toMatchObject({ code: 'invalid_configuration' });
  });

  test('drops a cancelled request that has not begun, and no answer follows', async () => {
    await client.load('slow', fixture('slow-loop.onnx'));
    const runsOf = async (): Promise<number> =>
      (await client.health()).replicas.find(({ replica }) => replica === 'slow')?.runs ?? 0;
    const before = await runsOf();
    const running = client.sendInfer('slow', [steps(60)]);
    const waiting = client.sendInfer('slow', [steps(60)]);
    const last = client.sendInfer('slow', [steps(1)]);
    let isAnswered = false;
    void waiting.answer.then(() => (isAnswered = true));
    client.cancel(waiting.request);
    expect((await running.answer).kind).toBe(frameKinds.result);
    expect((await last.answer).kind).toBe(frameKinds.result);
    expect(isAnswered).toBe(false);
    expect((await runsOf()) - before).toBe(2);
  });

  test('drops what waits for a peer that went away', async () => {
    await client.load('left', fixture('slow-loop.onnx'));
    const gone = await runner.connect();
    for (let index = 0; index < 50; index++) gone.sendInfer('left', [steps(40)]);
    await until(() => gone.socket.writableLength === 0);
    gone.close();
    await client.infer('left', [steps(1)]);
    expect((await client.health()).replicas.find(({ replica }) => replica === 'left')?.runs).toBeLessThan(45);
  });

  test('lets replicas take turns', async () => {
    await client.load('busy', fixture('slow-loop.onnx'));
    await client.load('quick', fixture('identity-fp32.onnx'));
    const busy = Array.from({ length: 12 }, () => client.sendInfer('busy', [steps(5)]).answer);
    let done = 0;
    for (const answer of busy) void answer.then(() => (done += 1));
    await client.infer('quick', [floats(1, 2, 3)]);
    expect(done).toBeLessThan(5);
    await Promise.all(busy);
  });

  test('answers health after the runs before it, so that a hang shows', async () => {
    await client.load('hung', fixture('slow-loop.onnx'));
    const order: string[] = [];
    const run = client.sendInfer('hung', [steps(50)]).answer.then(() => order.push('run'));
    const health = client.health().then((report) => order.push(`health ${report.cpuMicros > 0}`));
    await Promise.all([run, health]);
    expect(order).toEqual(['run', 'health true']);
  });

  test('finishes what is queued before it unloads, gives the memory back, and tells everybody', async () => {
    await client.load('leaving', fixture('identity-fp32.onnx'));
    const last = client.infer('leaving', [floats(1, 2, 3)]);
    const unloaded = client.unload('leaving');
    expect(await last).toHaveLength(1);
    await unloaded;
    expect(client.events).toContainEqual({ replica: 'leaving', state: 'gone' });
    expect((await client.health()).replicas.map(({ replica }) => replica)).not.toContain('leaving');
    expect(await codeOf(client.infer('leaving', [floats(1, 2, 3)]))).toBe('replica_not_loaded');
    await client.unload('leaving'); // once more is fine
  });

  test('answers many peers, each with its own', async () => {
    const peers = await Promise.all(Array.from({ length: 8 }, () => runner.connect()));
    await client.load('shared', fixture('add-row-id.onnx'));
    const answers = peers.flatMap((peer, index) =>
      Array.from({ length: 25 }, async (_, row) => {
        const id = BigInt(index * 1000 + row);
        const inputs = [
          tensor('id', 'INT64', [1, 1], BigInt64Array.of(id)),
          tensor('x', 'FP32', [1, 4], new Float32Array(4)),
        ];
        const [rowId] = await peer.infer('shared', inputs, ['row_id']);
        expect(new BigInt64Array(rowId?.bytes.slice().buffer ?? new ArrayBuffer(0))[0]).toBe(id);
      }),
    );
    await Promise.all(answers);
  });
});
