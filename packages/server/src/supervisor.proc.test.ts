import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { type Server, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { eventually } from '../test-support/eventually.ts';
import { readProcessTable } from './platform/processes/index.ts';
import type { RunnerObservation } from './runners/index.ts';

const program = fileURLToPath(new URL('../test-support/twin-supervisor.ts', import.meta.url));

interface Started {
  readonly child: ChildProcess;
  /** What it printed on standard output first: the URL, or the error. */
  readonly first: string;
  readonly said: () => string;
}

interface Status {
  readonly pid: number;
  readonly runners: readonly RunnerObservation[];
  readonly processes: readonly {
    readonly role: string;
    readonly state: string;
    readonly pid: number;
    readonly restarts: number;
    readonly memoryBytes: number;
  }[];
}

// Each test starts four programs: a second on a machine that does nothing else, many on one that runs all tests.
vi.setConfig({ testTimeout: 120_000 });

let folder = '';
let dataDir = '';
let children: ChildProcess[] = [];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'muster-up-'));
  dataDir = join(folder, 'data');
});
afterEach(async () => {
  for (const child of children) child.kill('SIGKILL');
  await eventually(() => children.every((child) => child.exitCode !== null || child.signalCode !== null));
  children = [];
  rmSync(folder, { recursive: true, force: true });
});

async function up(flags: readonly string[] = [], port = 0): Promise<Started> {
  const runtime = join(folder, 'run');
  const args = [
    '--conditions=muster-source',
    program,
    '--data-dir',
    dataDir,
    '--port',
    String(port),
    '--config-dir',
    join(folder, 'config'),
    '--runtime-dir',
    runtime,
    '--runners-isolation',
    'none',
    ...flags,
  ];
  const child = spawn(process.execPath, args, {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { PATH: process.env['PATH'] },
  });
  children.push(child);
  let output = '';
  let errors = '';
  child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (errors += chunk.toString()));
  const first = await eventually(() => (output.includes('\n') ? output.split('\n')[0] : undefined), 60_000);
  return { child, first, said: () => errors };
}

function ask(path: string, body?: unknown): Promise<string> {
  return new Promise((resolve, reject) => {
    const target = path.startsWith('http') ? { host: '127.0.0.1', port: new URL(path).port } : { socketPath: path };
    const asked = request({ ...target, method: body === undefined ? 'GET' : 'POST', agent: false }, (response) => {
      let text = '';
      response.on('data', (chunk: Buffer) => (text += chunk.toString()));
      response.on('end', () => resolve(text));
    });
    asked.on('error', reject);
    asked.end(body === undefined ? undefined : JSON.stringify(body));
  });
}

const control = (): string => join(folder, 'run/server/control');
const status = async (): Promise<Status> => JSON.parse(await ask(control())) as Status;
const gatewayPid = async (url: string): Promise<number> => (JSON.parse(await ask(url)) as { pid: number }).pid;
const events = (): string[] => readFileSync(join(dataDir, 'events'), 'utf8').trim().split('\n');
const commandLineOf = (pid: number): string => {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8');
  } catch {
    return ''; // it has ended
  }
};
const isAlive = (pid: number): boolean => readProcessTable().rssOf(pid) !== null;

/** Wishes for one runner whose only model behaves as told. */
function wishes(behaviour: object): unknown {
  const file = join(folder, 'model.json');
  writeFileSync(file, JSON.stringify(behaviour));
  const options = { intraOpThreads: 1, memoryArena: false, executionProviders: ['cpu'], graphOptimization: 'all' };
  return [
    {
      id: 'pack-1',
      runtime: 'onnx',
      team: 'default',
      kind: 'pack',
      limits: {},
      replicas: [{ id: 'r1', file, digest: 'a'.repeat(64), options }],
    },
  ];
}

async function readyRunner(): Promise<number> {
  return await eventually(async () => {
    const [runner] = (await status()).runners;
    return runner?.replicas[0]?.state === 'ready' ? runner.pid : undefined;
  });
}

test('it starts, says where, and tells control how the processes are', async () => {
  const { first, said } = await up();
  expect(first).toMatch(/^http:\/\/localhost:\d+$/);
  expect(said()).toContain(`Muster on ${first} · data in ${dataDir} · signed in as tester`);
  const processes = await eventually(async () => {
    const list = (await status()).processes;
    return list.length === 3 && list.every(({ state }) => state === 'running') && list;
  });
  expect(processes.map(({ role, state }) => `${role} ${state}`)).toEqual([
    'supervisor running',
    'control running',
    'gateway running',
  ]);
  for (const each of processes) expect(each.memoryBytes).toBeGreaterThan(1_000_000);
});

test('a second start on the same data directory is refused, naming the process that has it', async () => {
  const { child } = await up();
  const second = JSON.parse((await up()).first) as { code: string; message: string };
  expect(second).toMatchObject({ code: 'data_dir_in_use', message: `process ${child.pid} runs Muster on ${dataDir}` });
});

test('a taken port is refused before anything starts, naming a free one', async () => {
  const server: Server = createServer();
  const port = await new Promise<number>(
    (resolve) => void server.listen(0, '127.0.0.1', () => resolve((server.address() as { port: number }).port)),
  );
  const refused = JSON.parse((await up([], port)).first) as { code: string; message: string; remedy: string };
  server.close();
  expect(refused).toMatchObject({
    code: 'port_taken',
    message: `port ${port} on 127.0.0.1 is used by another program`,
  });
  expect(refused.remedy).toMatch(/^Take a free one: --port \d+\. /);
});

test('the reason of a child that cannot start is the answer, and nothing stays behind', async () => {
  const { first, child } = await up(['--environment', 'broken']);
  expect(JSON.parse(first)).toMatchObject({ code: 'schema_mismatch', message: 'the database is of another version' });
  await eventually(() => child.exitCode === 1);
  expect((await up()).first).toMatch(/^http/);
});

test('a data directory that cannot be made is named', async () => {
  mkdirSync(folder, { recursive: true });
  writeFileSync(dataDir, 'a file');
  expect(JSON.parse((await up()).first)).toMatchObject({
    code: 'storage_unavailable',
    message: `${dataDir} cannot be written (EEXIST)`,
  });
});

test('a gateway that was killed is back within a second, on the same port; so is control, and runners run on', async () => {
  const { first: url } = await up();
  await ask(control(), wishes({}));
  const runner = await readyRunner();
  const before = await gatewayPid(url);
  const killedAt = performance.now();
  process.kill(before, 'SIGKILL');
  await eventually(async () => (await gatewayPid(url)) !== before);
  // A second on a machine that does nothing else, which is for the benchmark to hold.
  expect(performance.now() - killedAt).toBeLessThan(20_000);

  const { pid } = await status();
  process.kill(pid, 'SIGKILL');
  const after = await eventually(async () => {
    const now = await status();
    return now.pid !== pid && now.processes.length === 3 && now;
  });
  expect(after.runners[0]).toMatchObject({ pid: runner, restarts: 0, replicas: [{ id: 'r1', state: 'ready' }] });
  expect(after.processes.map(({ restarts }) => restarts)).toEqual([0, 1, 1]);
});

test('an inspection ends with the control that asked for it', async () => {
  const { child } = await up();
  const file = join(folder, 'model.json');
  writeFileSync(file, '{}');
  await ask(control(), { inspect: file, digest: 'a'.repeat(64) });
  const inspected = join(dataDir, 'runners/i-1/models');
  const inspections = (): readonly number[] =>
    readProcessTable()
      .treeOf(child.pid ?? 0)
      .filter((pid) => commandLineOf(pid).includes(inspected));
  await eventually(() => inspections().length > 0);
  process.kill((await status()).pid, 'SIGKILL');
  await eventually(() => inspections().length === 0);
  await eventually(() => !existsSync(inspected));
  // Nothing but the inspection ended with it.
  expect(child.exitCode).toBeNull();
});

test('a stop drains the gateway first, then control, then the runners', async () => {
  const { child } = await up();
  await ask(control(), wishes({}));
  const runner = await readyRunner();
  child.kill('SIGTERM');
  await eventually(() => child.exitCode === 0);
  expect(events().slice(-2)).toEqual(['gateway drained', 'control drained']);
  expect(isAlive(runner)).toBe(false);
});

test('a second signal ends everything at once', async () => {
  const { child, first: url } = await up(['--environment', 'slow']);
  const pids = [(await status()).pid, await gatewayPid(url)];
  child.kill('SIGINT');
  await eventually(() => events().includes('gateway drains'));
  // Signals of the same moment are one, as when a terminal and a launcher both pass on Ctrl-C.
  child.kill('SIGINT');
  await new Promise((resolve) => setTimeout(resolve, 400));
  expect(child.exitCode).toBeNull();
  child.kill('SIGINT');
  await eventually(() => child.exitCode === 130);
  await eventually(() => pids.every((pid) => !isAlive(pid)), 10_000);
});

test('a runner that hangs in a run does not outlive a supervisor that was killed, nor does anything else', async () => {
  const { child, first: url } = await up();
  await ask(control(), wishes({ blockMs: 60_000 }));
  const runner = await readyRunner();
  const pids = [runner, (await status()).pid, await gatewayPid(url)];
  child.kill('SIGKILL');
  await eventually(() => pids.every((pid) => !isAlive(pid)), 10_000);
  expect((await up()).first).toMatch(/^http/);
});
