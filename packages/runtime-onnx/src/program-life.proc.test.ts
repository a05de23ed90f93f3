import { once } from 'node:events';
import { frameKinds, linkVersion } from '@muster-ml/protocol';
import { describe, expect, test } from 'vitest';
import { LinkClient, fixture, startRunner, steps, tensor } from '../test-support/link-client.ts';

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

  test('is told on standard output when it could not begin', async () => {
    const runner = await startRunner(['--max-payload-bytes', 'many']);
    const [code] =
      runner.child.exitCode === null ? ((await once(runner.child, 'exit')) as [number]) : [runner.child.exitCode];
    expect(code).toBe(1);
    await runner.end();
  });
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
