import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, readdir, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Client, createClient } from '@muster-ml/client';
import { until } from './until.ts';

export const root = fileURLToPath(new URL('../..', import.meta.url));

/** The `muster` command as it is in the source tree. */
export const launcher = join(root, 'packages/cli/bin/muster.js');

/** Where one installation keeps everything, so that tests can restart it and never meet the user's own. */
export interface Place {
  readonly folder: string;
  readonly dataDir: string;
  readonly port: number;
  readonly environment: NodeJS.ProcessEnv;
}

export interface StartOptions {
  /** Further flags of `muster up`. */
  readonly flags?: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  /** What starts `muster` instead of the sources, with its own first words. */
  readonly command?: readonly [program: string, ...words: string[]];
}

/** A real `muster up` with its processes. */
export interface RunningMuster {
  readonly place: Place;
  readonly url: string;
  readonly token: string;
  readonly client: Client;
  /** The supervisor. */
  readonly process: ChildProcess;
  /** What it has written to its terminal. */
  readonly output: () => string;
  /** Ids of its processes by role, as the status names them. */
  pids(role: 'supervisor' | 'control' | 'gateway' | 'runner'): Promise<readonly number[]>;
  /** Every process below the supervisor, itself included, from /proc. */
  tree(): Promise<readonly number[]>;
  /** SIGTERM, and waits for its end. */
  stop(): Promise<void>;
}

/** A folder and a port of one's own; `removePlace` clears it away. */
export async function makePlace(): Promise<Place> {
  const folder = await mkdtemp(join(tmpdir(), 'muster-e2e-'));
  const inherited = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('MUSTER_')));
  return {
    folder,
    dataDir: join(folder, 'data'),
    port: await freePort(),
    environment: { ...inherited, XDG_CONFIG_HOME: join(folder, 'config') },
  };
}

export async function removePlace(place: Place): Promise<void> {
  await rm(place.folder, { recursive: true, force: true, maxRetries: 5 });
}

/** Starts Muster in a place and waits until it is ready. Throws with what it wrote when it does not become so. */
export async function startMuster(place: Place, options: StartOptions = {}): Promise<RunningMuster> {
  const [program, ...words] = options.command ?? [process.execPath, launcher];
  const child = spawn(
    program,
    [...words, 'up', '--data-dir', place.dataDir, '--port', String(place.port), ...(options.flags ?? [])],
    { env: { ...place.environment, ...options.environment }, stdio: ['ignore', 'pipe', 'pipe'] },
  );
  // A test that fails before it can stop what it started leaves nothing running.
  const endToo = (): void => void child.kill('SIGTERM');
  process.once('exit', endToo);
  child.once('exit', () => process.removeListener('exit', endToo));
  let text = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (chunk: string) => {
      text = (text + chunk).slice(-20_000);
    });
  }
  const url = `http://localhost:${place.port}`;
  try {
    await until('Muster is ready', 90_000, async () => {
      if (child.exitCode !== null || child.signalCode !== null)
        throw new Error(`muster up ended with ${child.exitCode ?? child.signalCode}:\n${text}`);
      // A gateway that has its last table answers before control is up; the greeting comes when all of it is.
      return text.includes(`Muster on ${url}`) && (await fetch(`${url}/readyz`).catch(() => undefined))?.ok === true;
    });
  } catch (error) {
    child.kill('SIGTERM');
    throw new Error(`${error instanceof Error ? error.message : String(error)}\n${text}`, { cause: error });
  }
  const token = await savedToken(place, url);
  const client = createClient({ url, token });
  return {
    place,
    url,
    token,
    client,
    process: child,
    output: () => text,
    async pids(role) {
      const status = await client.call('status');
      return status.processes.flatMap((found) => (found.role === role && found.pid !== null ? [found.pid] : []));
    },
    tree: async () => await processTree(child.pid ?? 0),
    async stop() {
      if (child.exitCode !== null || child.signalCode !== null) return;
      child.kill('SIGTERM');
      await once(child, 'exit');
    },
  };
}

/** The token that the first start saved for the command line. */
async function savedToken(place: Place, url: string): Promise<string> {
  const file = join(place.folder, 'config/muster/config.json');
  const saved = JSON.parse(await readFile(file, 'utf8')) as { readonly tokens?: Readonly<Record<string, string>> };
  const token = saved.tokens?.[url];
  if (token === undefined) throw new Error(`${file} holds no token for ${url}`);
  return token;
}

/** A process and all its descendants that are alive now. */
export async function processTree(pid: number): Promise<readonly number[]> {
  const parents = new Map<number, number>();
  for (const name of await readdir('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    const stat = await readFile(`/proc/${name}/stat`, 'utf8').catch(() => '');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    if (stat !== '' && fields[0] !== 'Z') parents.set(Number(name), Number(fields[1]));
  }
  const tree = parents.has(pid) ? [pid] : [];
  for (let at = 0; at < tree.length; at++) {
    for (const [child, parent] of parents) if (parent === tree[at]) tree.push(child);
  }
  return tree;
}

/** Whether a process is there and no zombie. */
export async function isAlive(pid: number): Promise<boolean> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '');
  return stat !== '' && !stat.slice(stat.lastIndexOf(')') + 2).startsWith('Z');
}

/** A port of this machine that nobody listened on a moment ago. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  if (address === null || typeof address === 'string') throw new Error('no free port');
  return address.port;
}
