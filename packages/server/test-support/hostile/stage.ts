import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { type Socket as UdpSocket, createSocket } from 'node:dgram';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { type Server, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Logger } from '../../src/platform/telemetry/index.ts';
import type { Isolation } from '../../src/runners/isolation.ts';
import type { LocalRuntimeHost } from '../../src/runners/local-runtime-host.ts';
import type { ReplicaWish, RunnerObservation, RunnerWish } from '../../src/runners/runtime-host.ts';
import { startLocalRuntimeHost } from '../../src/runners/start-local-host.ts';
import { eventually } from '../eventually.ts';
import { localHostStart } from '../local-host-start.ts';
import { oneEnvironment } from '../one-environment.ts';
import { pythonSettings } from '../python-settings.ts';

const maker = fileURLToPath(new URL('hostile_model.py', import.meta.url));
const mebibyte = 1024 ** 2;

/** What the models of a stage may take. */
export const allowance = { memoryBytes: 512 * mebibyte, scratchBytes: 64 * mebibyte };

/** A column of the table: a level, and whether cages get users of their own. */
export interface Column {
  readonly name: string;
  readonly level: Isolation['level'] | 'auto';
  readonly ownUsers: boolean;
}

export const columns: readonly Column[] = [
  { name: 'bubblewrap', level: 'bubblewrap', ownUsers: false },
  { name: 'namespaces', level: 'namespaces', ownUsers: true },
  { name: 'namespaces, without root', level: 'namespaces', ownUsers: false },
  { name: 'uid', level: 'uid', ownUsers: true },
  { name: 'landlock', level: 'landlock', ownUsers: false },
  { name: 'none', level: 'none', ownUsers: false },
];

/** An interpreter that every user of this machine reaches. */
export function systemPython(): string | undefined {
  return ['/usr/bin/python3', '/usr/local/bin/python3'].find((path) => existsSync(path));
}

/** A server's folders and neighbours, a host, and hostile models in it. */
export interface Stage {
  readonly host: LocalRuntimeHost;
  readonly folder: string;
  readonly log: string[];
  /** What reached the listeners of the test. */
  readonly contacts: string[];
  readonly victim: ChildProcess;
  readonly environmentFolder: string;
  /** A wish for a runner that loads a model that tries this way. */
  wish(id: string, way: string, facts?: Readonly<Record<string, unknown>>): RunnerWish;
  runner(id: string): RunnerObservation | undefined;
  /** Scratch folder of the runner of an id. */
  scratch(id: string): string;
  /** What a model reported. */
  found(id: string): Readonly<Record<string, string>> | undefined;
  close(): Promise<void>;
}

/** Sets the stage at a level; null where this machine does not offer it. */
export async function setStage(column: Column, python: string): Promise<Stage | null> {
  if (column.ownUsers && process.getuid?.() !== 0) return null;
  const folder = mkdtempSync(join(tmpdir(), 'muster-hostile-'));
  chmodSync(folder, 0o755);
  for (const [name, mode] of [
    ['data', 0o700],
    ['data/environments', 0o755],
    ['run', 0o711],
    ['run/server', 0o700],
    ['config', 0o700],
    ['others', 0o700],
    ['public', 0o777],
  ] as const) {
    mkdirSync(join(folder, name));
    chmodSync(join(folder, name), mode);
  }
  const secrets = {
    database: 'data/muster.db',
    keys: 'data/keys',
    tokens: 'config/login',
    elsewhere: 'others/file',
    otherModel: 'data/other-model',
  };
  const places = Object.fromEntries(Object.entries(secrets).map(([name, path]) => [name, join(folder, path)]));
  for (const path of Object.values(places)) writeFileSync(path, 'secret', { mode: 0o600 });
  const environmentFolder = join(folder, 'data/environments/one');
  execFileSync(python, ['-m', 'venv', '--without-pip', environmentFolder]);

  const log: string[] = [];
  const host = await start(column, folder, environmentFolder, log);
  if (host === null) {
    rmSync(folder, { recursive: true, force: true });
    return null;
  }
  const contacts: string[] = [];
  const servers: Server[] = [];
  const control = join(folder, 'run/server/control');
  const abstract = `muster-hostile-${process.pid}`;
  const tcp = await listen(servers, { host: '127.0.0.1', port: 0 }, () => contacts.push('TCP'));
  await listen(servers, { path: control }, () => contacts.push('socket of control'));
  await listen(servers, { path: `\0${abstract}` }, () => contacts.push('abstract socket'));
  const udp = createSocket('udp4', () => contacts.push('UDP'));
  await new Promise<void>((resolve) => udp.bind(0, '127.0.0.1', resolve));
  const victimWord = `victim-${process.pid}`;
  const victim = spawn('/bin/sh', ['-c', 'sleep 300 & wait', victimWord], {
    env: { MUSTER_TOKEN: 'secret' },
    stdio: 'ignore',
  });

  const facts = {
    ...places,
    outside: [join(folder, 'public'), join(folder, 'others'), join(folder, 'data')],
    environment: [join(environmentFolder, 'lib'), join(environmentFolder, 'bin'), join(folder, 'data/environments')],
    victim: victim.pid,
    victimWord,
    tcp,
    udp: udp.address().port,
    control,
    abstract,
  };
  const seen = new Map<string, string>();
  const stage: Stage = {
    host,
    folder,
    log,
    contacts,
    victim,
    environmentFolder,
    wish: (id, way, more = {}) => {
      const file = join(folder, 'data', `model-${id}`);
      execFileSync(python, ['-I', maker, file, JSON.stringify({ ...facts, ...more, way })]);
      return wishFor(id, file);
    },
    runner: (id) => host.observed().find((each) => each.id === id),
    scratch: (id) => {
      // `unix:RUN/r-NAME/s`
      const name = seen.get(id) ?? host.addressOf(id).split('/').at(-2)?.slice('r-'.length) ?? '';
      seen.set(id, name);
      return join(folder, 'data/runners', name, 'scratch');
    },
    found: (id) => {
      const file = join(stage.scratch(id), 'found.json');
      return existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as Record<string, string>) : undefined;
    },
    close: async () => {
      await host.stop();
      for (const server of servers) server.close();
      await closeUdp(udp);
      victim.kill('SIGKILL');
      rmSync(folder, { recursive: true, force: true });
    },
  };
  return stage;
}

async function start(column: Column, folder: string, home: string, log: string[]): Promise<LocalRuntimeHost | null> {
  try {
    return await startLocalRuntimeHost({
      ...localHostStart(folder, column.level, {
        runners: { isolation: column.level, hangMs: 5_000, loadMs: 5_000, parallelLoads: 1 },
        limits: { inspectionMs: 10_000, inspectionMemoryBytes: 1024 ** 3 },
        python: { ...pythonSettings, memoryBytes: allowance.memoryBytes },
      }),
      pythonEnvironments: oneEnvironment({ python: join(home, 'bin/python'), readable: [home, '/usr'] }),
      pythonScratchBytes: allowance.scratchBytes,
      ownUsers: column.ownUsers,
      log: recorder(log),
    });
  } catch (error) {
    if ((error as { code?: string }).code === 'isolation_unavailable') return null;
    throw error;
  }
}

function recorder(log: string[]): Logger {
  const note = (_about: unknown, text?: unknown): void => {
    if (typeof text === 'string') log.push(text);
  };
  return { info: note, warn: note, error: note } as unknown as Logger;
}

const signature = {
  inputs: [{ name: 'x', datatype: 'FP64', shape: [-1, 2] }],
  outputs: [{ name: 'prediction', datatype: 'FP64', shape: [-1] }],
} as const;

function wishFor(id: string, file: string): RunnerWish {
  const replica: ReplicaWish = {
    id: `${id}-replica`,
    file,
    digest: createHash('sha256').update(readFileSync(file)).digest('hex'),
    python: { format: 'pickle', signature, isTable: false },
  };
  const environment = { python: '3.11', requirements: [] };
  return { id, runtime: 'python', team: 'default', kind: 'own', limits: {}, environment, replicas: [replica] };
}

async function listen(servers: Server[], where: object, onContact: () => void): Promise<number> {
  const server = createServer((socket) => {
    onContact();
    socket.on('error', () => {}).destroy();
  });
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(where, resolve));
  const address = server.address();
  return typeof address === 'object' && address !== null ? address.port : 0;
}

async function closeUdp(socket: UdpSocket): Promise<void> {
  await new Promise<void>((resolve) => socket.close(() => resolve()));
}

/** The state of a runner's one replica, once it is settled. */
export async function settled(
  stage: Stage,
  id: string,
  limitMs = 40_000,
): Promise<RunnerObservation['replicas'][number]> {
  return await eventually(() => {
    const replica = stage.runner(id)?.replicas[0];
    return replica?.state === 'ready' || replica?.state === 'failed' ? replica : undefined;
  }, limitMs);
}
