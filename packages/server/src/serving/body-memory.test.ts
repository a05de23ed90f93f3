import { type AddressInfo, type Socket, createServer } from 'node:net';
import { FrameReader, type Tensor, encodeFrame, frameKinds, linkVersion } from '@muster-ml/protocol';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { echoEndpoint, startEchoGateway } from '../../test-support/echo-gateway.ts';
import type { FakeModel } from '../../test-support/fake-runner.ts';
import { aPredictor, aRunner, ask, doubled, endPredictors, heldModel } from '../../test-support/predictor-twins.ts';
import { aDeployment, anEndpoint } from '../../test-support/serving-twins.ts';
import { type BodyMemory, bodyMemory } from './body-memory.ts';

afterEach(endPredictors);

/** More than a socket takes at once. */
const rows = 40_000;

/** A request whose rows all are `value`, with the memory that they are in. */
function large(
  value: number,
  count = rows,
): { readonly body: Uint8Array; readonly inputs: Tensor[]; readonly memory: BodyMemory } {
  const body = new Uint8Array(new Float64Array(count).fill(value).buffer);
  const memory = bodyMemory(body);
  if (memory === undefined) throw new Error('it is not large');
  return { body, memory, inputs: [{ name: 'input', datatype: 'FP64', shape: [count, 1], bytes: body }] };
}

/** The different values of an answer; its error, where it has one. */
function valuesOf(answer: readonly number[] | string): ReadonlySet<number | string> {
  return new Set<number | string>(typeof answer === 'string' ? [answer] : answer);
}

describe('the memory of a large body', () => {
  test('is given back when the last who held it lets go', () => {
    const { body, memory } = large(1);
    memory.hold();
    memory.letGo();
    expect(body.byteLength).toBe(rows * 8);
    memory.letGo();
    expect(body.byteLength).toBe(0);
    expect(bodyMemory(new Uint8Array(1000))).toBeUndefined();
  });

  test('is given back with the answer, and never what others still need', async () => {
    const runner = await aRunner({ 'd-0': doubled });
    const predictor = await aPredictor([
      anEndpoint('e', [aDeployment('d', runner.address, { maxRows: rows * 3 })], { timeoutMs: 30_000 }),
    ]);
    const caller = async (id: number): Promise<void> => {
      for (let turn = 0; turn < 4; turn += 1) {
        const { body, ...request } = large(id + turn / 8);
        const answer = await ask(predictor, 'e', [], { ...request, rows });
        expect([answer.length, valuesOf(answer)]).toEqual([rows, new Set([(id + turn / 8) * 2])]);
        await vi.waitFor(() => expect(body.byteLength).toBe(0));
      }
    };
    await Promise.all([...Array(8).keys()].map(caller));
  });

  test('stays until the copy for a shadow has run', async () => {
    const held = heldModel();
    const runner = await aRunner({ 'a-0': doubled, 'b-0': held.model });
    const deployments = [
      aDeployment('a', runner.address),
      aDeployment('b', runner.address, { role: 'shadow', version: '2' }),
    ];
    const predictor = await aPredictor([anEndpoint('e', deployments)]);
    const { body, ...request } = large(3);
    expect(valuesOf(await ask(predictor, 'e', [], { ...request, rows }))).toEqual(new Set([6]));
    await vi.waitFor(() => expect(held.waiting).toBe(1));
    expect(body.byteLength).toBe(rows * 8);
    held.release();
    await vi.waitFor(() => expect(body.byteLength).toBe(0));
    expect(runner.runs.map((run) => new Set(new Float64Array(run.inputs[0]?.bytes.slice().buffer ?? [])))).toEqual([
      new Set([3]),
      new Set([3]),
    ]);
  });

  test('is there for the second run of a request whose runner died', async () => {
    let crashes = 0;
    const fatalOnce: FakeModel = async (inputs, run) => {
      crashes += 1;
      if (crashes > 1) return await doubled(inputs, run);
      run.crash();
      return [];
    };
    const runner = await aRunner({ 'd-0': fatalOnce });
    const predictor = await aPredictor([anEndpoint('e', [aDeployment('d', runner.address)])]);
    const { body, ...request } = large(5);
    expect(valuesOf(await ask(predictor, 'e', [], { ...request, rows }))).toEqual(new Set([10]));
    await vi.waitFor(() => expect(body.byteLength).toBe(0));
  });

  test('stays until it has been sent, also to a runner that answers what it has not read', async () => {
    const runner = await hastyRunner();
    try {
      const predictor = await aPredictor([anEndpoint('e', [aDeployment('d', runner.address)])]);
      const { body, ...request } = large(7, 3_000_000);
      expect(await ask(predictor, 'e', [], { ...request, rows: 3_000_000 })).toEqual([]);
      expect(body.byteLength).toBe(24_000_000);
      runner.readOn();
      await vi.waitFor(() => expect(body.byteLength).toBe(0));
      await vi.waitFor(() => expect(runner.received).toHaveLength(1));
      expect(new Set(new Float64Array(runner.received[0]?.slice().buffer ?? []))).toEqual(new Set([7]));
    } finally {
      runner.stop();
    }
  });
});

test('large requests are no news to control', async () => {
  const runner = await aRunner({ 'd-0': doubled });
  const onChange = vi.fn<() => void>();
  const predictor = await aPredictor([anEndpoint('e', [aDeployment('d', runner.address)])], { onChange });
  onChange.mockClear();
  for (let turn = 0; turn < 5; turn += 1) {
    const { memory, inputs } = large(turn);
    expect(await ask(predictor, 'e', [], { memory, inputs, rows })).toHaveLength(rows);
  }
  expect(onChange).not.toHaveBeenCalled();
});

/** Answers a request when its first bytes are there, and reads the rest when it is told to. */
async function hastyRunner(): Promise<{
  readonly address: string;
  readonly received: readonly Uint8Array[];
  readOn(): void;
  stop(): void;
}> {
  const received: Uint8Array[] = [];
  const held: Socket[] = [];
  const server = createServer((socket) => {
    const hello = { link: linkVersion, role: 'hasty', software: 'test', ready: ['d-0'] };
    socket.write(Buffer.concat(encodeFrame(frameKinds.hello, 0, hello)));
    const reader = new FrameReader();
    socket.on('data', (chunk) => {
      reader.push(chunk, ({ kind, payload }) => {
        if (kind === frameKinds.infer) received.push(payload);
      });
      if (!reader.isMidFrame || held.length > 0) return;
      held.push(socket.pause());
      socket.write(Buffer.concat(encodeFrame(frameKinds.result, 1, { outputs: [], runMicros: 1 })));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    address: `tcp:127.0.0.1:${(server.address() as AddressInfo).port}`,
    received,
    readOn: () => {
      for (const socket of held) socket.resume();
    },
    stop: () => {
      for (const socket of held) socket.destroy();
      server.close();
    },
  };
}

test('a body that comes in many pieces arrives whole', async () => {
  const gateway = await startEchoGateway([
    echoEndpoint('large', [{ name: 'x', datatype: 'UINT8', shape: [-1] }], {
      bodyBytes: 4_000_000,
      maxRows: 4_000_000,
    }),
  ]);
  try {
    const send = async (seed: number): Promise<void> => {
      const data = Buffer.from(Uint8Array.from({ length: 1_000_000 }, (_, index) => index * seed));
      const input = `{"name":"x","datatype":"UINT8","shape":[${data.length}],"parameters":{"binary_data_size":${data.length}}}`;
      const head = Buffer.from(`{"inputs":[${input}],"parameters":{"binary_data_output":true}}`);
      const answer = await gateway.call('POST', '/v2/models/large/infer', {
        headers: { 'inference-header-content-length': String(head.length) },
        body: Buffer.concat([head, data]),
      });
      expect(answer.status).toBe(200);
      expect(answer.body.subarray(-data.length).equals(data)).toBe(true);
    };
    await Promise.all([1, 3, 5, 7].map(send));
  } finally {
    await gateway.close();
  }
});
