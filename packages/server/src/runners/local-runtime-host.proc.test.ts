import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { eventually } from '../../test-support/eventually.ts';
import { oneEnvironment } from '../../test-support/one-environment.ts';
import { systemClock } from '../platform/clock/index.ts';
import { readProcessTable } from '../platform/processes/index.ts';
import { silentLogger } from '../platform/telemetry/index.ts';
import type { Isolation } from './isolation.ts';
import { LocalRuntimeHost } from './local-runtime-host.ts';
import { pythonPrograms } from './python-program.ts';
import type { ReplicaWish, RunnerObservation, RunnerWish } from './runtime-host.ts';

const twin = fileURLToPath(new URL('../../test-support/twin-runner.ts', import.meta.url));
const options = {
  intraOpThreads: 1,
  memoryArena: false,
  executionProviders: ['cpu'],
  graphOptimization: 'all',
} as const;
const uncaged: Isolation = {
  level: 'none',
  advice: '',
  firstUid: null,
  tools: { bwrap: false, unshare: false, setpriv: true, taskset: true, landlock: null },
};

// Each test starts processes: milliseconds on a machine that does nothing else, seconds on one that runs all tests.
vi.setConfig({ testTimeout: 120_000 });

let folder = '';
let host: LocalRuntimeHost;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'muster-host-'));
  for (const name of ['cages', 'run', 'models']) mkdirSync(join(folder, name));
  host = new LocalRuntimeHost({
    cagesFolder: join(folder, 'cages'),
    runtimeDir: join(folder, 'run'),
    hidden: [],
    isolation: uncaged,
    onnx: { command: process.execPath, arguments: ['--conditions=muster-source', twin], readable: [] },
    python: pythonPrograms,
    environments: oneEnvironment(null),
    inspection: { command: process.execPath, arguments: ['-e', 'setInterval(() => {}, 1000)'], readable: [] },
    environment: { PATH: process.env['PATH'] ?? '' },
    limits: {
      hangMs: 1_500,
      loadMs: 5_000,
      startMs: 20_000,
      parallelLoads: 2,
      parallelStarts: 2,
      inspectionMs: 60_000,
      inspectionMemoryBytes: 1024 ** 3,
      pythonMemoryBytes: 1024 ** 3,
      pythonScratchBytes: 1024 ** 2,
    },
    software: 'test',
    clock: systemClock,
    log: silentLogger(),
  });
  host.start();
});
afterEach(async () => {
  await host.stop();
  rmSync(folder, { recursive: true, force: true });
});

/** A replica of a model that behaves as told; see twin-runner.ts. */
function replica(id: string, behaviour: object = {}): ReplicaWish {
  const digest = Buffer.from(JSON.stringify([id, behaviour]))
    .toString('hex')
    .padEnd(64, '0')
    .slice(-64);
  const file = join(folder, 'models', digest);
  writeFileSync(file, JSON.stringify(behaviour));
  return { id, file, digest, options };
}

function pack(id: string, replicas: readonly ReplicaWish[], limits: RunnerWish['limits'] = {}): RunnerWish {
  return { id, runtime: 'onnx', team: 'default', kind: 'pack', limits, replicas };
}

function runner(id: string): RunnerObservation {
  const found = host.observed().find((each) => each.id === id);
  if (found === undefined) throw new Error(`${id} is not there`);
  return found;
}

const states = (id: string): string[] => runner(id).replicas.map((each) => `${each.id} ${each.state}`);
const allReady = (id: string) => (): boolean =>
  runner(id).state === 'running' && runner(id).replicas.every(({ state }) => state === 'ready');
const isAlive = (pid: number | null): boolean => pid !== null && readProcessTable().rssOf(pid) !== null;

test('runners and replicas come to be what is wished, and what is not wished any more ends', async () => {
  await host.want([pack('a', [replica('r1'), replica('r2'), replica('r3')]), pack('b', [replica('r4')])]);
  expect(states('a')).toEqual(['r1 waiting', 'r2 waiting', 'r3 waiting']);
  await eventually(() => allReady('a')() && allReady('b')());
  const { pid } = runner('b');

  await host.want([pack('a', [replica('r2'), replica('r5')]), pack('b', [])]);
  await eventually(() => allReady('a')() && host.observed().length === 1);
  expect(states('a')).toEqual(['r2 ready', 'r5 ready']);
  expect(isAlive(pid)).toBe(false);
  // What is not loaded any more is not in the cage any more.
  const [cage = ''] = readdirSync(join(folder, 'cages'));
  await eventually(() => readdirSync(join(folder, 'cages', cage, 'models')).length === 2);
});

test('a model in the cage is the same file, not a copy, under its digest', async () => {
  const wish = replica('r1');
  await host.want([pack('a', [wish])]);
  await eventually(allReady('a'));
  const [cage = ''] = readdirSync(join(folder, 'cages'));
  expect(statSync(join(folder, 'cages', cage, 'models', wish.digest)).ino).toBe(statSync(wish.file).ino);
});

test('a killed runner is back at the same address with all its replicas', async () => {
  await host.want([pack('a', [replica('r1'), replica('r2')])]);
  await eventually(allReady('a'));
  const { pid, address } = runner('a');
  process.kill(pid ?? 0, 'SIGKILL');
  await eventually(() => runner('a').restarts === 1 && allReady('a')());
  expect(runner('a').pid).not.toBe(pid);
  expect(runner('a').address).toBe(address);
  expect(address).toBe(host.addressOf('a'));
});

test('a runner that is ended on purpose dies as by a crash, and comes back at once, however often', async () => {
  await host.want([pack('a', [replica('r1'), replica('r2')])]);
  await eventually(allReady('a'));
  for (let times = 1; times <= 3; times++) {
    const { pid } = runner('a');
    await host.endRunner('a', 'a drill');
    await eventually(() => runner('a').restarts === times && allReady('a')());
    expect(isAlive(pid)).toBe(false);
  }
  await host.endRunner('nobody', 'a drill');
});

test('a model that kills the runner while it loads is given up; its neighbours are served', async () => {
  await host.want([pack('a', [replica('r1'), replica('bad', { crash: true }), replica('r2')])]);
  await eventually(() => states('a').join() === 'r1 ready,bad failed,r2 ready');
  expect(runner('a').replicas[1]?.problem).toMatchObject({
    code: 'load_crashed',
    detail: 'loading the model ended its runner 2 times (the runner was ended by SIGKILL)',
  });
  expect(runner('a').restarts).toBe(2);
});

test('a model that the runner refuses is failed with the reason, and is tried again when its wish changes', async () => {
  await host.want([pack('a', [replica('r1', { fail: 'opset 99' }), replica('r2')])]);
  await eventually(() => states('a').join() === 'r1 failed,r2 ready');
  expect(runner('a').replicas[0]?.problem).toMatchObject({ code: 'unsupported_model', detail: 'opset 99' });
  await host.want([pack('a', [replica('r1', { fixed: true }), replica('r2')])]);
  await eventually(allReady('a'));
  expect(runner('a').restarts).toBe(0);
});

test('a runner that takes more memory than it may is ended, and the reason is named', async () => {
  const memoryBytes = 400 * 1024 * 1024;
  await host.want([pack('a', [replica('r1', { growBytes: 2 * memoryBytes })], { memoryBytes })]);
  const problem = await eventually(() => runner('a').problem);
  expect(problem.code).toBe('memory_exceeded');
  expect(problem.detail).toMatch(/^the runner took \d+ bytes of memory; resources\.memoryBytes allows 419430400$/);
});

test('a runner that hangs loses its readiness, is ended, and comes back', async () => {
  await host.want([pack('a', [replica('r1', { blockMs: 60_000 })])]);
  await eventually(allReady('a'));
  const { pid } = runner('a');
  await eventually(() => states('a').join() === 'r1 unready');
  await eventually(() => runner('a').pid !== pid);
  expect(runner('a').problem?.code).toBe('runner_hung');
  expect(isAlive(pid)).toBe(false);
  await host.want([]);
  await eventually(() => host.observed().length === 0);
});

test('whole cores are enforced by pinning; a part of one is refused and says so', async () => {
  await host.want([pack('a', [replica('r1')], { cpu: 1 }), pack('b', [replica('r2')], { cpu: 0.5 })]);
  await eventually(allReady('a'));
  expect(readFileSync(`/proc/${runner('a').pid}/status`, 'utf8')).toMatch(/^Cpus_allowed_list:\s*\d+$/m);
  const refused = await eventually(() => runner('b').problem);
  expect(runner('b').state).toBe('failed');
  expect(refused).toMatchObject({
    code: 'limit_not_enforceable',
    detail: 'resources.cpu is 0.5, and here runners are limited to whole cores',
    remedy: 'Set 1, or leave it out.',
  });
});

test('how often a model ran, and for how long, is told as its runner reports it', async () => {
  await host.want([pack('a', [replica('r1', { runs: 3, runMicros: 900 }), replica('r2')])]);
  await eventually(() => runner('a').replicas[0]?.runs === 3);
  expect(runner('a').replicas).toMatchObject([
    { runs: 3, runMicros: 900 },
    { runs: 0, runMicros: 0 },
  ]);
});

test('when the host stops, no runner and no inspection is left', async () => {
  await host.want([pack('a', [replica('r1')]), pack('b', [replica('r2', { blockMs: 60_000 })])]);
  await eventually(() => allReady('a')() && allReady('b')());
  const { file, digest } = replica('r3');
  const inspection = host.inspect({ kind: 'onnx', file, digest });
  await eventually(() => readdirSync(join(folder, 'cages')).length === 3);
  const pids = host.observed().map(({ pid }) => pid);
  host.kill();
  await eventually(() => !pids.some(isAlive));
  expect(pids).toHaveLength(2);
  expect(await inspection).toMatchObject({ outcome: 'cancelled' });
});
