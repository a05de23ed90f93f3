import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { type Socket, connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import {
  type Datatype,
  type Frame,
  type FrameKind,
  FrameReader,
  type HealthReport,
  type Loaded,
  MusterError,
  type Problem,
  type ReplicaOptions,
  type ResultHeader,
  type Tensor,
  encodeFrame,
  frameKinds,
  fromProblem,
  linkVersion,
  readTensors,
  tensorHeaders,
} from '@muster-ml/protocol';

const program = fileURLToPath(new URL('../src/program.ts', import.meta.url));

export const replicaOptions: ReplicaOptions = {
  intraOpThreads: 1,
  memoryArena: false,
  executionProviders: ['cpu'],
  graphOptimization: 'all',
};

/** Path of a model in fixtures/. */
export function fixture(name: string): string {
  return fileURLToPath(new URL(`../fixtures/${name}`, import.meta.url));
}

/** A tensor of the numbers in a typed array. */
export function tensor(name: string, datatype: Datatype, shape: readonly number[], data: ArrayBufferView): Tensor {
  return { name, datatype, shape, bytes: new Uint8Array(data.buffer, data.byteOffset, data.byteLength) };
}

/** Input of `slow-loop.onnx`: about 3 ms a step. */
export function steps(count: number): Tensor {
  return tensor('steps', 'INT64', [1, 1], new BigInt64Array([BigInt(count)]));
}

/** Where a runner is reached, as node:net takes it. */
type Target = { readonly path: string } | { readonly host: string; readonly port: number };

/** A real runner, a child process; on a Unix socket in a folder of its own if no address is given. */
export interface RunnerChild {
  readonly child: ChildProcess;
  /** Its first line on standard output. */
  readonly said: unknown;
  /** As the runner said it; empty if it said that it could not begin. */
  readonly address: string;
  readonly target: Target;
  connect(): Promise<LinkClient>;
  /** Ends it and removes its folder. */
  end(): Promise<void>;
}

export async function startRunner(args: readonly string[] = [], listen?: string): Promise<RunnerChild> {
  const folder = mkdtempSync(join(tmpdir(), 'muster-onnx-'));
  const wanted = listen ?? `unix:${join(folder, 's')}`;
  const child = spawn(process.execPath, ['--conditions=muster-source', program, '--listen', wanted, ...args], {
    env: {},
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const [line] = (await once(child.stdout, 'data')) as [Buffer]; // it says that it listens
  const said = JSON.parse(line.toString()) as { readonly address?: string };
  const target = { path: wanted.slice('unix:'.length) };
  const clients: LinkClient[] = [];
  return {
    child,
    said,
    address: said.address ?? '',
    target,
    async connect() {
      const client = new LinkClient(target);
      await client.greet(linkVersion);
      clients.push(client);
      return client;
    },
    async end() {
      for (const client of clients) client.close();
      if (child.exitCode === null && child.signalCode === null) {
        child.kill('SIGKILL');
        await once(child, 'exit');
      }
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** A gateway or host as the runner sees it: sends frames and waits for the answers. */
export class LinkClient {
  readonly socket: Socket;
  readonly #reader = new FrameReader();
  readonly #answers = new Map<number, (frame: Frame) => void>();
  readonly #greeting: Promise<Frame>;
  readonly events: unknown[] = [];
  readonly unasked: Frame[] = [];
  #request = 0;

  constructor(target: Target) {
    this.socket = connect(target);
    this.socket.on('error', () => undefined);
    this.#greeting = new Promise((resolve) => this.#answers.set(-1, resolve));
    // Plain arrays, not Buffers, so that tests compare them with plain ones.
    this.socket.on('data', ({ buffer, byteOffset, byteLength }: Buffer) => {
      this.#reader.push(new Uint8Array(buffer, byteOffset, byteLength), (frame) => this.#take(frame));
    });
  }

  #take(frame: Frame): void {
    if (frame.kind === frameKinds.replicaEvent) this.events.push(frame.header);
    const key = frame.kind === frameKinds.hello ? -1 : frame.request;
    const answer = this.#answers.get(key);
    this.#answers.delete(key);
    if (answer === undefined) this.unasked.push(frame);
    else answer(frame);
  }

  /** Whether the runner broke off within a frame, once the socket is closed. */
  get isMidFrame(): boolean {
    return this.#reader.isMidFrame;
  }

  async greet(link: number): Promise<Frame> {
    this.#write(encodeFrame(frameKinds.hello, 0, { link, role: 'gateway', software: 'test' }));
    return await this.#greeting;
  }

  /** Sends a request without waiting; `answer` resolves to the frame that answers it. */
  send(
    kind: FrameKind,
    header: unknown,
    payload: readonly Uint8Array[] = [],
  ): { readonly request: number; readonly answer: Promise<Frame> } {
    this.#request += 1;
    const request = this.#request;
    const answer = new Promise<Frame>((resolve) => this.#answers.set(request, resolve));
    this.#write(encodeFrame(kind, request, header, payload));
    return { request, answer };
  }

  sendInfer(
    replica: string,
    inputs: readonly Tensor[],
    outputs?: readonly string[],
  ): { readonly request: number; readonly answer: Promise<Frame> } {
    return this.send(
      frameKinds.infer,
      { replica, inputs: tensorHeaders(inputs), ...(outputs === undefined ? {} : { outputs }) },
      inputs.map(({ bytes }) => bytes),
    );
  }

  cancel(request: number): void {
    this.#write(encodeFrame(frameKinds.cancel, request, undefined));
  }

  async load(
    replica: string,
    file: string,
    options: ReplicaOptions = replicaOptions,
    sample?: readonly Tensor[],
  ): Promise<Loaded> {
    const header = { replica, file, options, ...(sample === undefined ? {} : { sample: tensorHeaders(sample) }) };
    return (
      await this.#ask(
        frameKinds.load,
        header,
        sample?.map(({ bytes }) => bytes),
      )
    ).header as Loaded;
  }

  async unload(replica: string): Promise<void> {
    await this.#ask(frameKinds.unload, { replica });
  }

  async health(): Promise<HealthReport> {
    return (await this.#ask(frameKinds.health, undefined)).header as HealthReport;
  }

  /** The outputs of a run; throws the problem that it is answered with. */
  async infer(replica: string, inputs: readonly Tensor[], outputs?: readonly string[]): Promise<Tensor[]> {
    const frame = orThrow(await this.sendInfer(replica, inputs, outputs).answer);
    return readTensors((frame.header as ResultHeader).outputs, frame.payload);
  }

  close(): void {
    this.socket.destroy();
  }

  async #ask(kind: FrameKind, header: unknown, payload?: readonly Uint8Array[]): Promise<Frame> {
    return orThrow(await this.send(kind, header, payload).answer);
  }

  #write(buffers: readonly Uint8Array[]): void {
    for (const bytes of buffers) this.socket.write(bytes);
  }
}

function orThrow(frame: Frame): Frame {
  if (frame.kind === frameKinds.error) throw fromProblem(frame.header as Problem);
  return frame;
}

/** The code of the problem that a promise is rejected with. */
export async function codeOf(promise: Promise<unknown>): Promise<string> {
  try {
    await promise;
  } catch (thrown) {
    if (thrown instanceof MusterError) return thrown.code;
    throw thrown;
  }
  return 'none';
}
