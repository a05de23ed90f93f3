import { chmodSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { type Server, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { eventually } from '../../test-support/eventually.ts';
import { localHostStart } from '../../test-support/local-host-start.ts';
import { readProcessTable } from '../platform/processes/index.ts';
import { type IsolationLevel, type Program, isolationLevels } from './confine.ts';
import type { LocalRuntimeHost } from './local-runtime-host.ts';
import { startLocalRuntimeHost } from './start-local-host.ts';

const root = fileURLToPath(new URL('../../../..', import.meta.url));
const twinRunner = fileURLToPath(new URL('../../test-support/twin-runner.ts', import.meta.url));
const twinInspection = fileURLToPath(new URL('../../test-support/twin-inspection.ts', import.meta.url));
const twin = (file: string): Program => ({
  command: process.execPath,
  arguments: ['--conditions=muster-source', file],
  readable: [dirname(process.execPath), root],
});

/** What each level promises that a runner or an inspection does not reach; the rest of the list it may. */
const closed: Readonly<Record<IsolationLevel, readonly string[]>> = {
  bubblewrap: ['database', 'other model', 'login', 'elsewhere', 'control', 'tcp', 'environment'],
  namespaces: ['database', 'other model', 'login', 'control', 'tcp', 'environment'],
  uid: ['database', 'other model', 'login', 'control', 'environment'],
  landlock: ['database', 'other model', 'login', 'elsewhere', 'tcp', 'environment'],
  none: ['environment'],
};

// Each test starts processes: milliseconds on a machine that does nothing else, seconds on one that runs all tests.
vi.setConfig({ testTimeout: 120_000 });

let folder = '';
let servers: Server[] = [];
let host: LocalRuntimeHost | undefined;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'muster-cage-'));
  chmodSync(folder, 0o755);
  for (const name of ['data', 'run', 'run/server', 'config'])
    mkdirSync(join(folder, name), { mode: name === 'run' ? 0o711 : 0o700 });
});
afterEach(async () => {
  await host?.stop();
  host = undefined;
  for (const server of servers) server.close();
  servers = [];
  rmSync(folder, { recursive: true, force: true });
});

function commandLineOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8');
  } catch {
    return ''; // it has ended
  }
}

function listen(where: { path: string } | { port: number; host: string }): Promise<number> {
  const server = createServer((socket) => socket.destroy());
  servers.push(server);
  return new Promise((resolve) => {
    server.listen(where, () => {
      const address = server.address();
      resolve(typeof address === 'object' && address !== null ? address.port : 0);
    });
  });
}

/** Starts a host of twins; null where the level does not work on this machine. */
async function startHost(isolation: IsolationLevel | 'auto'): Promise<LocalRuntimeHost | null> {
  try {
    return await startLocalRuntimeHost({
      ...localHostStart(folder, isolation),
      onnx: twin(twinRunner),
      inspection: twin(twinInspection),
    });
  } catch (error) {
    if ((error as { code?: string }).code === 'isolation_unavailable') return null;
    throw error;
  }
}

interface Found {
  readonly runner: readonly string[];
  readonly inspection: readonly string[];
}

/** Inspects and loads a model that looks around; answers what each found, or null where the level does not work on this machine. */
async function lookAround(isolation: IsolationLevel): Promise<Found | null> {
  const files = {
    database: join(folder, 'data/muster.db'),
    'other model': join(folder, 'data/object'),
    login: join(folder, 'config/config.json'),
    elsewhere: join(folder, 'elsewhere'),
  };
  for (const file of Object.values(files))
    writeFileSync(file, 'secret', { mode: file.endsWith('elsewhere') ? 0o644 : 0o600 });
  const socket = join(folder, 'run/server/control');
  await listen({ path: socket });
  const port = await listen({ host: '127.0.0.1', port: 0 });
  const model = join(folder, 'data/model');
  writeFileSync(model, JSON.stringify({ look: { files: Object.values(files), port, socket } }), { mode: 0o600 });
  const started = await startHost(isolation);
  if (started === null) return null;
  host = started;
  const options = {
    intraOpThreads: 1,
    memoryArena: false,
    executionProviders: ['cpu'],
    graphOptimization: 'all',
  } as const;
  await host.want([
    {
      id: 'a',
      runtime: 'onnx',
      team: 'default',
      kind: 'pack',
      limits: {},
      replicas: [{ id: 'r', file: model, digest: 'a'.repeat(64), options }],
    },
  ]);
  const detail = await eventually(() => host?.observed()[0]?.replicas[0]?.problem?.detail, 60_000);
  const inspected = await host.inspect({ kind: 'onnx', file: model, digest: 'b'.repeat(64) });
  if (inspected.outcome !== 'done') throw new Error(inspected.detail);
  const named = (found: string): string[] =>
    (JSON.parse(found) as string[]).map((each) => Object.entries(files).find(([, file]) => file === each)?.[0] ?? each);
  return { runner: named(detail.replace(/^found /, '')), inspection: named(inspected.text) };
}

describe('a runner and an inspection do not reach what their level closes', () => {
  test.each(isolationLevels.map((level) => [level]))('%s', async (level) => {
    const found = await lookAround(level);
    // A machine without the means says so, and `auto` takes the next level: see the advice of the level that it has.
    if (found === null) return expect(level).not.toBe('none');
    // The look itself works: what a level leaves open is found.
    const open = ['database', 'other model', 'login', 'elsewhere', 'control', 'tcp'].filter(
      (each) => !closed[level].includes(each),
    );
    for (const each of [found.runner, found.inspection]) {
      expect(each.filter((name) => closed[level].includes(name))).toEqual([]);
      expect(each).toEqual(expect.arrayContaining(open));
    }
    return undefined;
  });
});

describe('an inspection that is cancelled is gone, with all that cages it', () => {
  test.each(isolationLevels.map((level) => [level]))('%s', async (level) => {
    host = (await startHost(level)) ?? undefined;
    if (host === undefined) return expect(level).not.toBe('none');
    const model = join(folder, 'data/model');
    writeFileSync(model, '{}', { mode: 0o600 });
    const others = readProcessTable().treeOf(process.pid);
    const abort = new AbortController();
    const end = host.inspect({ kind: 'onnx', file: model, digest: 'a'.repeat(64) }, abort.signal);
    const caged = await eventually(() => {
      const pids = readProcessTable()
        .treeOf(process.pid)
        .filter((pid) => !others.includes(pid));
      return pids.some((pid) => commandLineOf(pid).startsWith(process.execPath)) && pids;
    });
    abort.abort();
    expect(await end).toMatchObject({ outcome: 'cancelled' });
    // One that lost its parent would be in nobody's tree: each is looked for by itself.
    await eventually(() => caged.every((pid) => readProcessTable().rssOf(pid) === null));
    return expect([...readdirSync(join(folder, 'data/runners')), ...readdirSync(join(folder, 'run'))]).toEqual([
      'server',
    ]);
  });
});

test('whatever this machine offers, auto finds a level that works and says what would be stronger', async () => {
  host = (await startHost('auto')) ?? undefined;
  expect(isolationLevels).toContain(host?.isolation.level);
  expect(host?.isolation.advice).toMatch(/^Runners (have|run|can|reach) /);
});
