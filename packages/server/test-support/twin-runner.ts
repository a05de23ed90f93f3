import { readFileSync, readdirSync } from 'node:fs';
import { type Socket, connect, createServer } from 'node:net';
import {
  type Frame,
  FrameReader,
  MusterError,
  encodeFrame,
  frameKinds,
  linkVersion,
  toProblem,
} from '@muster-ml/protocol';

/**
 * A runner without models, for tests of the host: a "model file" is JSON that says how loading it goes.
 * `crash` ends the process, `fail` is a refusal, `growBytes` takes memory, `blockMs` blocks the thread after the load,
 * `look` tries to reach what a cage should hide and fails with what it found.
 */
interface Behaviour {
  readonly crash?: boolean;
  readonly crashOnceFile?: string;
  readonly fail?: string;
  readonly growBytes?: number;
  readonly blockMs?: number;
  readonly look?: { readonly files: readonly string[]; readonly port: number; readonly socket: string };
}

const socketFile = (process.argv[process.argv.indexOf('--listen') + 1] ?? '').replace('unix:', '');
const replicas = new Set<string>();
const grown: Buffer[] = [];

process.stdin.resume();
process.stdin.on('end', () => process.exit(0));
createServer(serve).listen(socketFile);

function serve(socket: Socket): void {
  const reader = new FrameReader();
  socket.on('error', () => {});
  socket.on('data', (chunk: Buffer) => reader.push(chunk, (frame) => void answer(socket, frame)));
}

async function answer(socket: Socket, { kind, request, header }: Frame): Promise<void> {
  const reply = (answerKind: (typeof frameKinds)[keyof typeof frameKinds], body: unknown): void => {
    for (const part of encodeFrame(answerKind, request, body)) socket.write(part);
  };
  if (kind === frameKinds.hello)
    reply(frameKinds.hello, { link: linkVersion, role: 'twin', software: '0', ready: [...replicas] });
  if (kind === frameKinds.unload) {
    replicas.delete((header as { replica: string }).replica);
    reply(frameKinds.unloaded, header);
  }
  if (kind === frameKinds.health) {
    const loaded = [...replicas].map((replica) => ({ replica, state: 'ready', runs: 0, runMicros: 0, memoryBytes: 0 }));
    reply(frameKinds.healthReport, { cpuMicros: 1, rssBytes: process.memoryUsage.rss(), replicas: loaded });
  }
  if (kind !== frameKinds.load) return;
  const { replica, file } = header as { replica: string; file: string };
  const behaviour = JSON.parse(readFileSync(file, 'utf8')) as Behaviour;
  if (behaviour.crash === true) process.kill(process.pid, 'SIGKILL');
  if (behaviour.growBytes !== undefined) grown.push(Buffer.alloc(behaviour.growBytes, 1));
  const failure = behaviour.look === undefined ? behaviour.fail : `found ${JSON.stringify(await look(behaviour.look))}`;
  if (failure !== undefined) return reply(frameKinds.error, toProblem(new MusterError('unsupported_model', failure)));
  replicas.add(replica);
  reply(frameKinds.loaded, { replica, loadMs: 1, warmupMs: 1, memoryBytes: 1 });
  if (behaviour.blockMs !== undefined)
    setTimeout(() => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, behaviour.blockMs), 20);
  return undefined;
}

async function look({ files, port, socket }: NonNullable<Behaviour['look']>): Promise<string[]> {
  const found = files.filter((file) => isReadable(file));
  if (await connects({ port, host: '127.0.0.1' })) found.push('tcp');
  if (await connects({ path: socket })) found.push('control');
  if (process.env['HOME'] !== undefined || Object.keys(process.env).some((name) => name.startsWith('MUSTER_')))
    found.push('environment');
  return found;
}

function isReadable(path: string): boolean {
  try {
    readFileSync(path);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EISDIR') return false;
  }
  try {
    return readdirSync(path).length > 0;
  } catch {
    return false;
  }
}

function connects(target: { port: number; host: string } | { path: string }): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(target);
    socket.setTimeout(1_000, () => resolve(false));
    socket.once('connect', () => resolve(true));
    socket.once('error', () => resolve(false));
  });
}
