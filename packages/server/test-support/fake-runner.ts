import { mkdtempSync, rmSync } from 'node:fs';
import { type Server, type Socket, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  type Frame,
  FrameReader,
  type InferHeader,
  MusterError,
  type Tensor,
  encodeFrame,
  frameKinds,
  linkVersion,
  readTensors,
  tensorHeaders,
  toMusterError,
  toProblem,
} from '@muster-ml/protocol';

/** What a fake model does with a batch. It throws a `MusterError` to fail, and calls `crash` to take the runner down. */
export type FakeModel = (
  inputs: readonly Tensor[],
  run: { readonly replica: string; crash(): void },
) => readonly Tensor[] | Promise<readonly Tensor[]>;

export interface FakeRun {
  readonly replica: string;
  readonly inputs: readonly Tensor[];
}

/**
 * A runner in the test's own process: it speaks the runtime link on a real socket, runs one batch at a time, and dies
 * and comes back when it is told to.
 */
export interface FakeRunner {
  readonly address: string;
  /** Everything that was run, in order. */
  readonly runs: readonly FakeRun[];
  readonly connections: number;
  /** The next answers to a hello say this version of the link. */
  linkVersion: number;
  start(): Promise<void>;
  /** Loads (or replaces) a replica and tells everybody. */
  load(replica: string, model: FakeModel): void;
  /** Unloads a replica; with `quietly` nobody is told, as in a race. */
  unload(replica: string, quietly?: boolean): void;
  /** Dies as `kill -9` would: every connection breaks, what was asked is forgotten, replicas are gone. */
  crash(): void;
  /** Dies, and comes back with the same replicas as soon as the turn of the event loop is over. */
  crashAndRestart(): void;
  /** Sends these bytes to everybody who is connected. */
  sendRaw(bytes: Uint8Array): void;
  stop(): Promise<void>;
}

/** Passes its first input on as output `output`; with `rowMs` it takes so long per run. */
export function echoModel(): FakeModel {
  return (inputs) => inputs.slice(0, 1).map((tensor) => ({ ...tensor, name: 'output' }));
}

export function createFakeRunner(
  options: { readonly address?: string; readonly replicas?: Readonly<Record<string, FakeModel>> } = {},
): FakeRunner {
  const folder = options.address === undefined ? mkdtempSync(join(tmpdir(), 'muster-runner-')) : undefined;
  const address = options.address ?? `unix:${folder}/s`;
  const models = new Map(Object.entries(options.replicas ?? {}));
  const runs: FakeRun[] = [];
  const sockets = new Set<Socket>();
  /** Runs one after the other; a crash leaves the old chain behind. */
  let queue = Promise.resolve();
  let life = 0;
  let server: Server | undefined;

  const send = (
    socket: Socket,
    kind: Frame['kind'],
    request: number,
    header: unknown,
    payload: readonly Uint8Array[] = [],
  ): void => {
    if (socket.destroyed) return;
    socket.cork();
    for (const bytes of encodeFrame(kind, request, header, payload)) socket.write(bytes);
    socket.uncork();
  };
  const broadcast = (replica: string, state: 'ready' | 'gone'): void => {
    for (const socket of sockets) send(socket, frameKinds.replicaEvent, 0, { replica, state });
  };

  const run = async (socket: Socket, frame: Frame): Promise<void> => {
    const { replica, inputs } = frame.header as InferHeader;
    const model = models.get(replica);
    const bornIn = life;
    try {
      if (model === undefined) throw new MusterError('replica_not_loaded', `replica "${replica}" is not loaded`);
      const tensors = readTensors(inputs, frame.payload);
      runs.push({ replica, inputs: tensors });
      const startedMs = performance.now();
      const outputs = await model(tensors, { replica, crash: () => fake.crashAndRestart() });
      if (life === bornIn)
        send(
          socket,
          frameKinds.result,
          frame.request,
          { outputs: tensorHeaders(outputs), runMicros: Math.round((performance.now() - startedMs) * 1000) },
          outputs.map((tensor) => tensor.bytes),
        );
    } catch (thrown) {
      if (life === bornIn) send(socket, frameKinds.error, frame.request, toProblem(toMusterError(thrown)));
    }
  };

  const accept = (socket: Socket): void => {
    const cancelled = new Set<number>();
    const reader = new FrameReader();
    sockets.add(socket);
    socket.on('error', () => undefined);
    socket.on('close', () => sockets.delete(socket));
    socket.on('data', (chunk) => {
      reader.push(chunk, (frame) => {
        if (frame.kind === frameKinds.hello)
          send(socket, frameKinds.hello, 0, {
            link: fake.linkVersion,
            role: 'fake',
            software: 'test',
            ready: [...models.keys()],
          });
        else if (frame.kind === frameKinds.cancel) cancelled.add(frame.request);
        else if (frame.kind === frameKinds.health)
          send(socket, frameKinds.healthReport, frame.request, { cpuMicros: 1, rssBytes: 2, replicas: [] });
        else if (frame.kind === frameKinds.infer) {
          const bornIn = life;
          queue = queue.then(async () => {
            if (life === bornIn && !cancelled.has(frame.request)) await run(socket, frame);
          });
        }
      });
    });
  };

  const die = (): void => {
    life += 1;
    queue = Promise.resolve();
    server?.close();
    server = undefined;
    for (const socket of sockets) socket.destroy();
    sockets.clear();
  };

  const fake: FakeRunner = {
    address,
    runs,
    linkVersion,
    get connections() {
      return sockets.size;
    },
    start: async () => {
      const starting = createServer(accept);
      server = starting;
      await new Promise<void>((resolve, reject) => {
        starting.once('error', reject);
        if (address.startsWith('unix:')) {
          rmSync(address.slice(5), { force: true });
          starting.listen(address.slice(5), resolve);
        } else {
          starting.listen(Number(address.split(':').at(-1)), '127.0.0.1', resolve);
        }
      });
    },
    load: (replica, model) => {
      models.set(replica, model);
      broadcast(replica, 'ready');
    },
    unload: (replica, quietly = false) => {
      models.delete(replica);
      if (!quietly) broadcast(replica, 'gone');
    },
    crash: () => {
      die();
      models.clear();
    },
    crashAndRestart: () => {
      die();
      const bornIn = life;
      setImmediate(() => {
        if (life === bornIn) void fake.start();
      });
    },
    sendRaw: (bytes) => {
      for (const socket of sockets) socket.write(bytes);
    },
    stop: async () => {
      die();
      await queue;
      if (folder !== undefined) rmSync(folder, { recursive: true, force: true });
    },
  };
  return fake;
}
