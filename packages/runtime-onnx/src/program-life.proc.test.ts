import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { frameKinds, linkVersion } from '@muster-ml/protocol';
import { describe, expect, test } from 'vitest';
import { LinkClient, fixture, startRunner, steps, tensor } from '../test-support/link-client.ts';
import { onnxModel } from '../test-support/onnx-model.ts';

test('a runner listens on TCP too, on a port that it names', async () => {
  const runner = await startRunner([], 'tcp:127.0.0.1:0');
  const { port } = /^tcp:127\.0\.0\.1:(?<port>\d+)$/u.exec(runner.address)?.groups ?? {};
  const client = new LinkClient({ host: '127.0.0.1', port: Number(port) });
  expect((await client.greet(linkVersion)).header).toMatchObject({ role: 'onnx' });
  client.close();
  await runner.end();
});

test('a runner takes the place of one that crashed and left its socket behind', async () => {
  const crashed = await startRunner();
  crashed.child.kill('SIGKILL');
  await once(crashed.child, 'exit');
  const next = await startRunner([], crashed.address);
  expect((await (await next.connect()).health()).replicas).toEqual([]);
  await next.end();
  await crashed.end();
});

test('a payload beyond the limit ends the connection before it is taken into memory', async () => {
  const runner = await startRunner(['--max-payload-bytes', '1000']);
  const client = await runner.connect();
  client.send(frameKinds.infer, { replica: 'any', inputs: [] }, [new Uint8Array(1001)]);
  await once(client.socket, 'close');
  expect(client.unasked).toMatchObject([{ header: { code: 'link_violation' } }]);
  await runner.end();
});

test('a peer that does not read its answers is cut off before they fill the memory', async () => {
  const runner = await startRunner();
  const folder = mkdtempSync(join(tmpdir(), 'muster-onnx-'));
  const file = join(folder, 'wide.onnx');
  const shape = {
    inputs: [{ name: 'size', element: 7, shape: [1] }],
    outputs: [{ name: 'zeros', element: 1, shape: ['N'] }],
  };
  writeFileSync(
    file,
    onnxModel({ ...shape, nodes: [{ op: 'ConstantOfShape', inputs: ['size'], outputs: ['zeros'] }] }),
  );
  const deaf = await runner.connect();
  await deaf.load('wide', file);
  const closed = once(deaf.socket, 'close');
  deaf.socket.pause();
  for (let index = 0; index < 100; index++)
    deaf.sendInfer('wide', [tensor('size', 'INT64', [1], BigInt64Array.of(2_000_000n))]);
  const other = await runner.connect();
  let peakBytes = 0;
  for (let index = 0; index < 50; index++) {
    const { rssBytes } = await other.health();
    peakBytes = Math.max(peakBytes, rssBytes);
    await other.infer('wide', [tensor('size', 'INT64', [1], BigInt64Array.of(1n))]);
  }
  expect(peakBytes).toBeLessThan(700 * 1024 * 1024); // 100 answers are 800 MB
  deaf.socket.resume();
  await closed;
  await runner.end();
  rmSync(folder, { recursive: true });
});

describe('the end of a runner', () => {
  test('comes when its parent closes standard input', async () => {
    const runner = await startRunner();
    runner.child.stdin?.end();
    const [code] = (await once(runner.child, 'exit')) as [number];
    expect(code).toBe(0);
    await runner.end();
  });

  test('comes on SIGTERM after the run that is under way: no answer is cut, nothing else begins', async () => {
    const runner = await startRunner();
    const client = await runner.connect();
    await client.load('slow', fixture('slow-loop.onnx'));
    const answered: number[] = [];
    const runs = Array.from({ length: 10 }, (_, index) => {
      const { answer } = client.sendInfer('slow', [steps(20)]);
      void answer.then(() => answered.push(index));
      return answer;
    });
    await runs[0];
    runner.child.kill('SIGTERM');
    await Promise.all([once(runner.child, 'exit'), once(client.socket, 'close')]);
    expect(runner.child.exitCode).toBe(0);
    expect(client.isMidFrame).toBe(false);
    expect(answered.length).toBeLessThan(10);
    expect(answered).toEqual(answered.map((_, index) => index));
    await runner.end();
  });

  test.each([
    [['--max-payload-bytes', 'many'], '"many" is no number of bytes'],
    [['--verbose'], "Unknown option '--verbose'"],
    [['--listen', 'unix:/does/not/exist/s'], 'cannot listen on unix:/does/not/exist/s'],
  ])('is explained on standard output when it could not begin: %j', async (args, words) => {
    const runner = await startRunner(args);
    if (runner.child.exitCode === null) await once(runner.child, 'exit');
    expect(runner.child.exitCode).toBe(1);
    expect(runner.said).toMatchObject({
      event: 'failed',
      code: 'invalid_configuration',
      message: expect.stringContaining(words) as unknown,
    });
    await runner.end();
  });
});

test('the first replica is not charged for the start of the runtime', async () => {
  const runner = await startRunner();
  const client = await runner.connect();
  const { memoryBytes } = await client.load('first', fixture('identity-fp32.onnx'));
  expect(memoryBytes).toBeLessThan(8 * 1024 * 1024);
  await runner.end();
});

test('200 models in one runner take little memory and time each', async () => {
  const runner = await startRunner();
  const client = await runner.connect();
  await client.load('first', fixture('zipmap-int-labels.onnx'));
  const { rssBytes: before } = await client.health();
  for (let index = 0; index < 200; index++) await client.load(`r${index}`, fixture('zipmap-int-labels.onnx'));
  const { rssBytes: after, replicas } = await client.health();
  expect(replicas).toHaveLength(201);
  expect(replicas.every(({ state }) => state === 'ready')).toBe(true);
  expect((after - before) / 200).toBeLessThan(1024 * 1024);
  const answers = await Promise.all(
    Array.from({ length: 200 }, (_, index) =>
      client.infer(`r${index}`, [tensor('input', 'FP32', [1, 4], new Float32Array(4))]),
    ),
  );
  expect(new Set(answers.map(([label]) => label?.bytes.join()))).toHaveProperty('size', 1);
  await runner.end();
});
