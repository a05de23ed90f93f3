import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Client, createClient } from '@muster-ml/client';
import { keepTrack } from './children.ts';
import { commandOf, processTree } from './process-usage.ts';
import { serverProgram } from './published-programs.ts';

const readyLimitMs = 120_000;

/** A folder of everything that one installation writes, its configuration and sockets included. */
export interface InstallationFolder {
  readonly path: string;
  /** For `muster up` and for the command line, so that they know this installation and no other. */
  readonly environment: NodeJS.ProcessEnv;
  remove(): Promise<void>;
}

/** A real `muster up` with all its processes. */
export interface Installation {
  readonly url: string;
  readonly port: number;
  readonly token: string;
  readonly client: Client;
  /** From the start of the process to the first 200 of `/readyz`. */
  readonly readyMs: number;
  /** The supervisor and all below it. */
  processes(): Promise<number[]>;
  /** Those of the processes whose command line holds a text, such as `runtime-onnx`. */
  processesOf(text: string): Promise<number[]>;
  /** Drains it; resolves when it has ended. */
  stop(): Promise<void>;
}

export async function makeInstallationFolder(): Promise<InstallationFolder> {
  const path = await mkdtemp(join(tmpdir(), 'muster-bench-'));
  return {
    path,
    environment: {
      ...withoutOwn(process.env),
      XDG_CONFIG_HOME: join(path, 'config'),
      MUSTER_RUNTIME_DIR: join(path, 'run'),
    },
    remove: () => rm(path, { recursive: true, force: true }),
  };
}

/** Starts Muster in a folder, which may hold what an earlier start left. */
export async function startInstallation(
  folder: InstallationFolder,
  options: { readonly port?: number; readonly execArgv?: readonly string[] } = {},
): Promise<Installation> {
  const port = options.port ?? (await freePort());
  const startedMs = performance.now();
  const flags = ['up', '--data-dir', join(folder.path, 'data'), '--port', String(port), '--log-level', 'warn'];
  const child = spawn(process.execPath, [...(options.execArgv ?? []), serverProgram, ...flags], {
    env: folder.environment,
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  const stop = keepTrack(child);
  const output = collect(child);
  const url = `http://127.0.0.1:${port}`;
  try {
    await untilReady(child, url);
  } catch (error) {
    await stop();
    throw new Error(`muster up did not become ready: ${(error as Error).message}\n${output()}`, { cause: error });
  }
  const readyMs = performance.now() - startedMs;
  const token = await readToken(folder);
  const processes = (): Promise<number[]> => processTree(child.pid ?? 0);
  return {
    url,
    port,
    token,
    client: createClient({ url, token, timeoutMs: 120_000 }),
    readyMs,
    processes,
    async processesOf(text) {
      const all = await processes();
      const commands = await Promise.all(all.map(commandOf));
      return all.filter((_, index) => commands[index]?.includes(text) === true);
    },
    stop,
  };
}

/** A port of this machine that nobody listened on a moment ago. */
async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  return typeof address === 'object' && address !== null ? address.port : 0;
}

async function untilReady(child: ChildProcess, url: string): Promise<void> {
  const deadlineMs = performance.now() + readyLimitMs;
  while (performance.now() < deadlineMs) {
    if (child.exitCode !== null || child.signalCode !== null)
      throw new Error(`it ended with ${child.exitCode ?? child.signalCode}`);
    const answer = await fetch(`${url}/readyz`).catch(() => undefined);
    await answer?.arrayBuffer();
    if (answer?.status === 200) return;
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  throw new Error(`no 200 from /readyz within ${readyLimitMs / 1000} s`);
}

/** The admin's token, which the first start saved for the command line. */
async function readToken(folder: InstallationFolder): Promise<string> {
  const file = join(folder.path, 'config', 'muster', 'config.json');
  const { tokens = {} } = JSON.parse(await readFile(file, 'utf8')) as {
    readonly tokens?: Readonly<Record<string, string>>;
  };
  const [token] = Object.values(tokens);
  if (token === undefined) throw new Error(`${file} holds no token`);
  return token;
}

/** The last lines of what a child wrote. */
function collect(child: ChildProcess): () => string {
  let text = '';
  child.stderr?.setEncoding('utf8').on('data', (chunk: string) => {
    text = (text + chunk).slice(-4000);
  });
  return () => text;
}

function withoutOwn(environment: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(environment).filter(([name]) => !name.startsWith('MUSTER_')));
}
