import { readFileSync } from 'node:fs';
import { type Socket, createServer } from 'node:net';
import {
  type Frame,
  FrameReader,
  MusterError,
  encodeFrame,
  frameKinds,
  linkVersion,
  toProblem,
} from '@muster-ml/protocol';
import { type Look, lookAround } from './look-around.ts';

/**
 * A runner without models, for tests of the host: a "model file" is JSON that says how loading it goes.
 * `crash` ends the process, `fail` is a refusal, `growBytes` takes memory, `blockMs` blocks the thread after the load,
 * `look` tries to reach what a cage should hide and fails with what it found, `runs` and `runMicros` are told as its health.
 */
interface Behaviour {
  readonly crash?: boolean;
  readonly crashOnceFile?: string;
  readonly fail?: string;
  readonly growBytes?: number;
  readonly blockMs?: number;
  readonly look?: Look;
  readonly runs?: number;
  readonly runMicros?: number;
}

const socketFile = (process.argv[process.argv.indexOf('--listen') + 1] ?? '').replace('unix:', '');
const replicas = new Map<string, Behaviour>();
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
    reply(frameKinds.hello, { link: linkVersion, role: 'twin', software: '0', ready: [...replicas.keys()] });
  if (kind === frameKinds.unload) {
    replicas.delete((header as { replica: string }).replica);
    reply(frameKinds.unloaded, header);
  }
  if (kind === frameKinds.health) {
    const loaded = [...replicas].map(([replica, { runs = 0, runMicros = 0 }]) => ({
      replica,
      state: 'ready',
      runs,
      runMicros,
      memoryBytes: 0,
    }));
    reply(frameKinds.healthReport, { cpuMicros: 1, rssBytes: process.memoryUsage.rss(), replicas: loaded });
  }
  if (kind !== frameKinds.load) return;
  const { replica, file } = header as { replica: string; file: string };
  const behaviour = JSON.parse(readFileSync(file, 'utf8')) as Behaviour;
  if (behaviour.crash === true) process.kill(process.pid, 'SIGKILL');
  if (behaviour.growBytes !== undefined) grown.push(Buffer.alloc(behaviour.growBytes, 1));
  const failure =
    behaviour.look === undefined ? behaviour.fail : `found ${JSON.stringify(await lookAround(behaviour.look))}`;
  if (failure !== undefined) return reply(frameKinds.error, toProblem(new MusterError('unsupported_model', failure)));
  replicas.set(replica, behaviour);
  reply(frameKinds.loaded, { replica, loadMs: 1, warmupMs: 1, memoryBytes: 1 });
  if (behaviour.blockMs !== undefined)
    setTimeout(() => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, behaviour.blockMs), 20);
  return undefined;
}
