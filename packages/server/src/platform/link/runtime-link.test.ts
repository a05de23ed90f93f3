import { type AddressInfo, createServer } from 'node:net';
import {
  FrameReader,
  MusterError,
  type Tensor,
  encodeFrame,
  frameKinds,
  linkVersion,
  tensorHeaders,
} from '@muster-ml/protocol';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { type FakeRunner, createFakeRunner, echoModel } from '../../../test-support/fake-runner.ts';
import {
  type RuntimeLink,
  type RuntimeLinkOptions,
  health,
  infer,
  openRuntimeLink,
  parseLinkAddress,
} from './index.ts';

const running: FakeRunner[] = [];
const links: RuntimeLink[] = [];

afterEach(async () => {
  for (const link of links.splice(0)) link.close();
  for (const runner of running.splice(0)) await runner.stop();
});

async function started(runner: FakeRunner): Promise<FakeRunner> {
  running.push(runner);
  await runner.start();
  return runner;
}

async function open(address: string, options: Partial<RuntimeLinkOptions> = {}): Promise<RuntimeLink> {
  const link = await openRuntimeLink({ address, role: 'gateway', software: 'test', ...options });
  links.push(link);
  return link;
}

const tensor = (value: number): Tensor => ({ name: 'x', datatype: 'UINT8', shape: [1], bytes: Uint8Array.of(value) });

function ask(link: RuntimeLink, value: number, replica = 'r'): Promise<readonly Tensor[]> {
  return infer(link, { replica, inputs: tensorHeaders([tensor(value)]) }, [tensor(value).bytes]).then(
    (result) => result.outputs,
  );
}

async function codeOf(promise: Promise<unknown>): Promise<string> {
  return await promise.then(
    () => 'no error',
    (thrown: unknown) => (thrown instanceof MusterError ? thrown.code : String(thrown)),
  );
}

describe('the runtime link', () => {
  test('gives each question its own answer, also when they overtake each other', async () => {
    const runner = await started(createFakeRunner({ replicas: { r: echoModel() } }));
    const link = await open(runner.address);
    const answers = await Promise.all(
      [...Array(100).keys()].map(async (value) => (await ask(link, value))[0]?.bytes[0]),
    );
    expect(answers).toEqual([...Array(100).keys()]);
    expect(link.openRequests).toBe(0);
    expect(await health(link)).toEqual({ cpuMicros: 1, rssBytes: 2, replicas: [] });
  });

  test('works over TCP', async () => {
    const runner = await started(createFakeRunner({ address: 'tcp:127.0.0.1:38417', replicas: { r: echoModel() } }));
    expect((await ask(await open(runner.address), 3))[0]?.bytes[0]).toBe(3);
  });

  test('carries payloads of megabytes', async () => {
    const runner = await started(createFakeRunner({ replicas: { r: echoModel() } }));
    const link = await open(runner.address);
    const bytes = Buffer.alloc(5_000_000, 'muster');
    const { outputs } = await infer(
      link,
      { replica: 'r', inputs: [{ name: 'x', datatype: 'UINT8', shape: [bytes.byteLength], size: bytes.byteLength }] },
      [bytes],
    );
    expect(bytes.equals(outputs[0]?.bytes ?? new Uint8Array())).toBe(true);
  });

  test('says when a payload has left, however early the answer comes', async () => {
    const hello = { link: linkVersion, role: 'hasty', software: 'test' };
    const sizes: number[] = [];
    let readOn = (): void => undefined;
    const server = createServer((socket) => {
      socket.write(Buffer.concat(encodeFrame(frameKinds.hello, 0, hello)));
      const reader = new FrameReader();
      let isHeld = false;
      readOn = () => socket.resume();
      socket.on('data', (chunk) => {
        reader.push(chunk, ({ payload }) => sizes.push(payload.byteLength));
        if (isHeld || !reader.isMidFrame) return;
        isHeld = true;
        socket.pause();
        socket.write(Buffer.concat(encodeFrame(frameKinds.result, 1, { outputs: [], runMicros: 1 })));
      });
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    try {
      const link = await open(`tcp:127.0.0.1:${port}`);
      const payload = new Uint8Array(16 * 1024 * 1024);
      const onWritten = vi.fn<() => void>();
      await infer(link, { replica: 'r', inputs: [] }, [payload], onWritten);
      expect(onWritten).not.toHaveBeenCalled();
      readOn();
      await vi.waitFor(() => expect(onWritten).toHaveBeenCalledTimes(1), { timeout: 5000 });
      await vi.waitFor(() => expect(sizes).toContain(payload.byteLength), { timeout: 5000 });
    } finally {
      server.close();
    }
  });

  test('knows what is ready, from the hello and from events', async () => {
    const runner = await started(createFakeRunner({ replicas: { r: echoModel() } }));
    const onReplicaEvent = vi.fn<NonNullable<RuntimeLinkOptions['onReplicaEvent']>>();
    const link = await open(runner.address, { onReplicaEvent });
    expect([...link.ready]).toEqual(['r']);
    runner.load('s', echoModel());
    await vi.waitFor(() => expect([...link.ready]).toEqual(['r', 's']));
    runner.unload('r');
    await vi.waitFor(() => expect([...link.ready]).toEqual(['s']));
    expect(onReplicaEvent.mock.calls.map(([event]) => event)).toEqual([
      { replica: 's', state: 'ready' },
      { replica: 'r', state: 'gone' },
    ]);
  });

  test("hands on the runner's own error", async () => {
    const runner = await started(createFakeRunner());
    expect(await codeOf(ask(await open(runner.address), 1, 'unknown'))).toBe('replica_not_loaded');
  });

  test('refuses everything that was asked when the runner dies, and says so once', async () => {
    const onClose = vi.fn<NonNullable<RuntimeLinkOptions['onClose']>>();
    const runner = await started(createFakeRunner({ replicas: { r: () => new Promise(() => undefined) } }));
    const link = await open(runner.address, { onClose });
    const answers = [codeOf(ask(link, 1)), codeOf(ask(link, 2))];
    await vi.waitFor(() => expect(runner.runs).toHaveLength(1));
    runner.crash();
    expect(await Promise.all(answers)).toEqual(['link_lost', 'link_lost']);
    expect(onClose).toHaveBeenCalledOnce();
    expect(link.isOpen).toBe(false);
    expect(await codeOf(ask(link, 3))).toBe('link_lost');
  });

  test('takes a question back, and ignores what is answered to it all the same', async () => {
    let finish: (outputs: readonly Tensor[]) => void = () => undefined;
    const runner = await started(
      createFakeRunner({ replicas: { r: () => new Promise((resolve) => (finish = resolve)), s: echoModel() } }),
    );
    const link = await open(runner.address);
    const first = link.ask(frameKinds.infer, frameKinds.result, { replica: 'r', inputs: [] });
    const second = link.ask(frameKinds.infer, frameKinds.result, { replica: 'r', inputs: [] });
    const codes = [codeOf(first.answer), codeOf(second.answer)];
    await vi.waitFor(() => expect(runner.runs).toHaveLength(1));
    link.cancel(first.request);
    link.cancel(second.request);
    expect(await Promise.all(codes)).toEqual(['request_cancelled', 'request_cancelled']);
    await health(link);
    finish([]);
    expect((await ask(link, 9, 's'))[0]?.bytes[0]).toBe(9);
    expect(runner.runs).toHaveLength(2);
  });

  test('refuses a runner that speaks another version, by name', async () => {
    const runner = await started(createFakeRunner());
    runner.linkVersion = 99;
    const refusal = open(runner.address);
    expect(await codeOf(refusal)).toBe('link_violation');
    await expect(refusal).rejects.toThrow('version 99');
  });

  test('is broken by a frame that cannot be read', async () => {
    const onClose = vi.fn<NonNullable<RuntimeLinkOptions['onClose']>>();
    const runner = await started(createFakeRunner());
    await open(runner.address, { onClose });
    runner.sendRaw(new Uint8Array(13));
    await vi.waitFor(() => expect(onClose).toHaveBeenCalledWith(expect.objectContaining({ code: 'link_violation' })));
  });

  test('gives up on a runner that is not there or says nothing', async () => {
    expect(await codeOf(open('unix:/nowhere/at/all'))).toBe('link_lost');
    expect(await codeOf(open('http://x'))).toBe('invalid_configuration');
    const silent = createServer((socket) => socket.resume());
    await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
    const bound = silent.address();
    expect(
      await codeOf(open(`tcp:127.0.0.1:${typeof bound === 'object' ? bound?.port : ''}`, { connectTimeoutMs: 50 })),
    ).toBe('link_lost');
    silent.close();
  });

  test('reads the addresses that the contract names', () => {
    expect(parseLinkAddress('unix:/a/b')).toEqual({ path: '/a/b' });
    expect(parseLinkAddress('tcp:host:80')).toEqual({ host: 'host', port: 80 });
    expect(parseLinkAddress('tcp:[::1]:80')).toEqual({ host: '::1', port: 80 });
    for (const bad of ['', 'unix:', 'tcp:host', 'tcp:host:0', 'tcp:host:70000', 'tcp:a:b:1'])
      expect(() => parseLinkAddress(bad)).toThrow(MusterError);
  });
});
