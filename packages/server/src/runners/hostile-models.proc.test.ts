import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { eventually } from '../../test-support/eventually.ts';
import { type Outcome, readCageTable, writeCageTable } from '../../test-support/hostile/cage-table.ts';
import {
  type Column,
  type Stage,
  allowance,
  columns,
  setStage,
  settled,
  systemPython,
} from '../../test-support/hostile/stage.ts';
import { readProcessTable } from '../platform/processes/index.ts';
import { confinementFile } from './confine.ts';
import type { ReplicaObservation } from './runtime-host.ts';

const table = fileURLToPath(new URL('../../../../docs/reference/cage.md', import.meta.url));
const python = systemPython();

// Each test starts processes: seconds on a machine that does nothing else, many on one that runs all tests.
vi.setConfig({ testTimeout: 240_000 });

/** The table is of a kernel whose Landlock knows TCP, signals and abstract sockets. */
const isMeasuredKernel =
  python !== undefined &&
  Number.parseInt(execFileSync(python, ['-I', '-S', confinementFile(), '--abi'], { encoding: 'utf8' }), 10) >= 6;

/** Ways that work, of all that were tried: whether the kernel refuses, or it comes to nothing, may be a matter of moments. */
function openOf(outcomes: Readonly<Record<string, Outcome>>): Readonly<Record<string, boolean>> {
  return Object.fromEntries(Object.entries(outcomes).map(([way, outcome]) => [way, outcome === 'possible']));
}

let stage: Stage | null = null;
afterEach(async () => {
  await stage?.close();
  stage = null;
});

/** Tries all that can be tried side by side, and judges from outside what a model took for a success. */
async function look(on: Stage): Promise<Record<string, Outcome>> {
  const other = on.wish('other', 'nothing');
  await on.host.want([other]);
  expect(await settled(on, 'other')).toMatchObject({ state: 'ready' });
  const otherSocket = on.host.addressOf('other').slice('unix:'.length);
  await on.host.want([other, on.wish('look', 'look', { otherSocket })]);
  expect(await settled(on, 'look')).toMatchObject({ state: 'ready' });
  const found = on.found('look') ?? {};
  const isHarmless: Record<string, () => boolean> = {
    'connect by TCP': () => !on.contacts.includes('TCP'),
    'send by UDP': () => !on.contacts.includes('UDP'),
    'reach the socket of control': () => !on.contacts.includes('socket of control'),
    'reach an abstract socket': () => !on.contacts.includes('abstract socket'),
    // In a namespace of its own, nobody else gets to where it listens.
    'listen on TCP': () => ['bubblewrap', 'namespaces'].includes(on.host.isolation.level),
    'signal other processes': () => on.victim.exitCode === null && on.victim.signalCode === null,
  };
  // What was sent may still be on its way.
  const reaches = Object.keys(isHarmless).filter((way) => found[way]?.startsWith('possible') === true);
  await eventually(() => reaches.every((way) => isHarmless[way]?.() === false), 500).catch(() => {});
  return Object.fromEntries(
    Object.entries(found).map(([way, text]): [string, Outcome] => {
      if (text.startsWith('refused')) return [way, 'refused'];
      return [way, isHarmless[way]?.() === true ? 'harmless' : 'possible'];
    }),
  );
}

/** Has a model do something at its load, and answers what it reported, or how its load failed. */
async function act(on: Stage, way: string, facts: object = {}): Promise<string> {
  const id = way.replaceAll(' ', '-');
  await on.host.want([on.wish(id, way, { ...facts })]);
  try {
    return await eventually(() => {
      const report = on.found(id)?.[way];
      if (report !== undefined) return report;
      const replica = on.runner(id)?.replicas[0];
      if (replica?.state === 'ready') return 'possible: it became ready';
      const problem = replica?.problem ?? on.runner(id)?.problem;
      return problem === undefined ? undefined : `ended: ${problem.code}: ${problem.detail}`;
    }, 60_000);
  } finally {
    await end(on, id);
  }
}

async function end(on: Stage, id: string): Promise<void> {
  await on.host.want([]);
  await eventually(() => on.runner(id) === undefined);
}

/** Whether the kernel refuses it or a limit of ours ends the runner is a matter of moments: both are harmless to the others. */
function judge(said: string, endings: RegExp): Outcome {
  return said.startsWith('refused') || endings.test(said) ? 'harmless' : 'possible';
}

const processesWith = (word: string): number[] =>
  readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => {
      try {
        return readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(word);
      } catch {
        return false;
      }
    })
    .map(Number);

async function takeTooMuch(on: Stage): Promise<Record<string, Outcome>> {
  return {
    'fork bomb': judge(await act(on, 'fork bomb', { most: 400 }), /had \d+ processes; 256 are allowed|memory_exceeded/),
    'memory bomb': judge(await act(on, 'memory bomb', { most: 4 * allowance.memoryBytes }), /memory_exceeded/),
    'fill the disk': judge(await act(on, 'disk fill'), /bytes to its scratch folder; \d+ are allowed/),
    'write one large file': judge(await act(on, 'large file'), /File too large|SIGXFSZ/),
    'open too many files': judge(await act(on, 'open files'), /never/),
  };
}

async function leaveThings(on: Stage): Promise<Record<string, Outcome>> {
  const leftWord = `left-${process.pid}-${Math.random()}`;
  await on.host.want([on.wish('leave', 'leave a process', { leftWord })]);
  await settled(on, 'leave');
  await eventually(() => processesWith(leftWord).length > 0);
  await end(on, 'leave');
  const isLeft = await eventually(() => processesWith(leftWord).length === 0, 2_000).then(
    () => false,
    () => true,
  );
  for (const pid of processesWith(leftWord)) process.kill(pid, 'SIGKILL');

  await act(on, 'core dump');
  const core =
    existsSync(on.scratch('core-dump')) && readdirSync(on.scratch('core-dump')).some((name) => /core/.test(name));

  await on.host.want([on.wish('traps', 'leave traps')]);
  await settled(on, 'traps');
  const { pid = null } = on.runner('traps') ?? {};
  const file = (name: string): boolean => existsSync(join(on.scratch('traps'), name));
  expect(file('sitecustomize.py')).toBe(true);
  if (pid !== null) process.kill(pid, 'SIGKILL');
  await eventually(() => on.runner('traps')?.restarts === 1);
  await settled(on, 'traps');
  const isTrapped = file('trap-ran');
  await end(on, 'traps');

  await on.host.want([on.wish('exit', 'hang at exit')]);
  await settled(on, 'exit');
  const runner = on.runner('exit')?.pid ?? 0;
  await end(on, 'exit');
  const isGone = readProcessTable().rssOf(runner) === null;

  return {
    'leave a process behind': isLeft ? 'possible' : 'harmless',
    'dump core': core ? 'possible' : 'harmless',
    'set traps for the next start (LD_PRELOAD, sitecustomize)': isTrapped ? 'possible' : 'harmless',
    'hang at exit': isGone ? 'harmless' : 'possible',
  };
}

describe.skipIf(python === undefined)('ways out of the cage, tried by a pickle as it is loaded', () => {
  test.each(columns.map((column) => [column.name, column] as const))('%s', async (name, column: Column) => {
    stage = await setStage(column, python ?? '');
    // A machine without the means says so, and `auto` takes the next level.
    if (stage === null) return expect(column.level).not.toBe('none');
    const outcomes = { ...(await look(stage)), ...(await takeTooMuch(stage)), ...(await leaveThings(stage)) };
    expect(Object.keys(outcomes).length).toBeGreaterThan(20);
    if (process.env['MUSTER_WRITE_CAGE_TABLE'] !== undefined) return writeCageTable(table, name, outcomes);
    const told = readCageTable(table)[name] ?? {};
    if (isMeasuredKernel || column.level === 'bubblewrap' || column.level === 'namespaces')
      return expect(openOf(outcomes)).toEqual(openOf(told));
    // What an older kernel leaves open besides is told in words; what is ours alone stays closed.
    const ours = ['read the database', 'read the keys', 'read the tokens', 'read another model'];
    return expect(ours.filter((way) => outcomes[way] === 'possible')).toEqual(
      ours.filter((way) => told[way] === 'possible'),
    );
  });
});

describe.skipIf(python === undefined)('a model that is broken', () => {
  const auto: Column = { name: 'auto', level: 'auto', ownUsers: true };

  test.each([
    ['missing dependency', /a_package_that_nobody_has/],
    ['error', /the key that a newer version has/],
    ['20 GB', /memory/i],
    ['exit', /ended its runner 2 times \(the runner ended with exit code 3\)/],
    ['hang', /ended its runner 2 times \(loading the model took longer than \d+ ms\)/],
    ['endless loop', /ended its runner 2 times \(loading the model took longer than \d+ ms\)/],
  ])('says what is wrong with it within a bounded time, and harms no other: %s', async (way, words) => {
    stage = await setStage(auto, python ?? '');
    if (stage === null) throw new Error('there is no level at all');
    const other = stage.wish('other', 'nothing');
    await stage.host.want([other, stage.wish('broken', way)]);
    const broken: ReplicaObservation = await settled(stage, 'broken');
    expect(broken.state).toBe('failed');
    expect(broken.problem?.detail).toMatch(words);
    expect(await settled(stage, 'other')).toMatchObject({ state: 'ready' });
    expect(stage.runner('other')?.restarts).toBe(0);
  });

  test('may print a gigabyte: the log stays small and says so, and nobody else is harmed', async () => {
    stage = await setStage(auto, python ?? '');
    if (stage === null) throw new Error('there is no level at all');
    const other = stage.wish('other', 'nothing');
    await stage.host.want([other, stage.wish('printer', 'print a gigabyte')]);
    await settled(stage, 'printer', 60_000);
    expect(await settled(stage, 'other')).toMatchObject({ state: 'ready' });
    expect(stage.runner('other')?.restarts).toBe(0);
    const loggedBytes = stage.log.reduce((sum, line) => sum + line.length, 0);
    expect(loggedBytes).toBeLessThan(8 * 1024 ** 2);
    expect(stage.log.join('\n')).toMatch(/bytes that came too fast are left out/);
  });
});

describe.skipIf(python === undefined)('the program that closes the cage from within', () => {
  let folder = '';
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'muster-confine-'));
  });
  afterEach(() => {
    rmSync(folder, { recursive: true, force: true });
  });

  test('runs before any code that a package has the interpreter run at its start', async () => {
    stage = await setStage({ name: 'auto', level: 'auto', ownUsers: true }, python ?? '');
    if (stage === null) throw new Error('there is no level at all');
    const [lib = ''] = execFileSync('find', [stage.environmentFolder, '-name', 'site-packages'], {
      encoding: 'utf8',
    }).split('\n');
    const proof = join(folder, 'ran-outside');
    writeFileSync(join(lib, 'early.pth'), `import pathlib; pathlib.Path(${JSON.stringify(proof)}).touch()\n`);
    await stage.host.want([stage.wish('early', 'nothing')]);
    expect(await settled(stage, 'early')).toMatchObject({ state: 'ready' });
    expect(existsSync(proof)).toBe(false);
  });
});
