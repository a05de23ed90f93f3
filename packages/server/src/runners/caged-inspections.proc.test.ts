import { chmodSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { eventually } from '../../test-support/eventually.ts';
import { oneEnvironment } from '../../test-support/one-environment.ts';
import { localHostStart } from '../../test-support/local-host-start.ts';
import { readProcessTable } from '../platform/processes/index.ts';
import { silentLogger } from '../platform/telemetry/index.ts';
import { CagedInspections } from './caged-inspections.ts';
import { isolationLevels } from './confine.ts';
import { pythonPrograms } from './python-program.ts';
import type { InspectionEnd } from './runtime-host.ts';
import { startLocalRuntimeHost } from './start-local-host.ts';
import { createUserPool } from './user-pool.ts';

// Each test starts processes: milliseconds on a machine that does nothing else, seconds on one that runs all tests.
vi.setConfig({ testTimeout: 120_000 });

const root = fileURLToPath(new URL('../../../..', import.meta.url));
const digest = 'a'.repeat(64);

let folder = '';
let model = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'muster-inspect-'));
  chmodSync(folder, 0o755);
  for (const name of ['cages', 'run', 'data', 'config']) mkdirSync(join(folder, name), { mode: 0o700 });
  model = join(folder, 'data/model');
  writeFileSync(model, 'a model', { mode: 0o600 });
});
afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

/** Inspections, at the level that works everywhere, by a program that is given as source text. */
function inspections(source: string, limits: { inspectionMs?: number; inspectionMemoryBytes?: number } = {}) {
  const tools = { bwrap: false, unshare: false, setpriv: true, taskset: false, landlock: null };
  return new CagedInspections({
    cagesFolder: join(folder, 'cages'),
    runtimeDir: join(folder, 'run'),
    hidden: [],
    isolation: { level: 'none', advice: '', tools, firstUid: null },
    inspection: { command: process.execPath, arguments: ['-e', source, '--'], readable: [] },
    python: pythonPrograms,
    environments: oneEnvironment(null),
    environment: { LANG: 'C' },
    users: createUserPool(null),
    limits: {
      inspectionMs: 30_000,
      inspectionMemoryBytes: 1024 ** 3,
      loadMs: 30_000,
      pythonMemoryBytes: 1024 ** 3,
      pythonScratchBytes: 1024 ** 2,
      ...limits,
    },
    log: silentLogger(),
  });
}

const cages = (): readonly string[] => [...readdirSync(join(folder, 'cages')), ...readdirSync(join(folder, 'run'))];
const hanging = 'setInterval(() => {}, 1000);';
/** The processes that have a word in their command line. */
const processesWith = (word: string): readonly number[] =>
  readProcessTable()
    .treeOf(process.pid)
    .filter((pid) => {
      try {
        return readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(word);
      } catch {
        return false;
      }
    });

describe('an inspection in a process of its own', () => {
  test('gives what the program printed of the file in its cage, which is gone afterwards', async () => {
    const end = await inspections(`
      const fs = require('node:fs'), file = process.argv.at(-1);
      console.log(fs.readFileSync(file, 'utf8'), file.startsWith(${JSON.stringify(join(folder, 'cages'))}), process.cwd().endsWith('/scratch'));
      console.log(Object.keys(process.env).filter((name) => !['PWD', 'SHLVL', '_', 'OLDPWD', '__CF_USER_TEXT_ENCODING'].includes(name)).join());
    `).inspect({ kind: 'onnx', file: model, digest });
    expect(end).toEqual({ outcome: 'done', text: 'a model true true\nLANG\n' });
    expect(cages()).toEqual([]);
  });

  test.each<[string, string, Parameters<typeof inspections>[1], Partial<InspectionEnd>]>([
    ['an exit code', 'process.exitCode = 3', {}, { outcome: 'failed', detail: 'exit code 3' }],
    ['a signal', `process.kill(process.pid, 'SIGSEGV')`, {}, { outcome: 'failed', detail: 'ended by SIGSEGV' }],
    [
      'a signal that something around it names',
      'process.exitCode = 136',
      {},
      { outcome: 'failed', detail: 'ended by SIGFPE' },
    ],
    ['a flood', `for (;;) require('node:fs').writeSync(1, 'x'.repeat(65536))`, {}, { outcome: 'output' }],
    ['a hang', 'for (;;) ;', { inspectionMs: 500 }, { outcome: 'timeout', detail: 'it took longer than 500 ms' }],
    [
      'a hunger for memory',
      'const all = []; for (;;) all.push(new Uint8Array(16 * 1024 ** 2).fill(1));',
      { inspectionMemoryBytes: 256 * 1024 ** 2 },
      { outcome: 'memory' },
    ],
    // The kernel refuses, or ends what ignores the refusal.
    ['a file that is written', `require('node:fs').writeFileSync('grown', 'x')`, {}, { outcome: 'failed' }],
  ])('ends with the reason: %s', async (_name, source, limits, expected) => {
    expect(await inspections(source, limits).inspect({ kind: 'onnx', file: model, digest })).toMatchObject(expected);
    expect(cages()).toEqual([]);
  });

  test('what goes wrong on our side is told without a path', async () => {
    const end = await inspections('').inspect({ kind: 'onnx', file: join(folder, 'data/gone'), digest });
    expect(end).toEqual({ outcome: 'failed', detail: 'it could not be started (ENOENT)' });
    expect(cages()).toEqual([]);
  });

  test('cancelling kills it', async () => {
    const word = `inspection-${process.pid}-cancel`;
    const abort = new AbortController();
    const end = inspections(`/* ${word} */ ${hanging}`).inspect({ kind: 'onnx', file: model, digest }, abort.signal);
    const [pid = 0] = await eventually(() => {
      const found = processesWith(word);
      return found.length > 0 && found;
    });
    abort.abort();
    expect(await end).toMatchObject({ outcome: 'cancelled' });
    await eventually(() => readProcessTable().rssOf(pid) === null);
    expect(cages()).toEqual([]);
  });

  test('two run at once, more wait for their turn, and who waits can leave', async () => {
    const word = `inspection-${process.pid}-turns`;
    const busy = inspections(`/* ${word} */ ${hanging}`);
    const aborts = Array.from({ length: 4 }, () => new AbortController());
    const ends = aborts.map((abort) => busy.inspect({ kind: 'onnx', file: model, digest }, abort.signal));
    await eventually(() => readdirSync(join(folder, 'cages')).length === 2);
    aborts[2]?.abort();
    expect(await ends[2]).toMatchObject({ outcome: 'cancelled' });
    aborts[0]?.abort();
    expect(await ends[0]).toMatchObject({ outcome: 'cancelled' });
    await eventually(() => readdirSync(join(folder, 'cages')).join() === 'i-2,i-3');
    await busy.stop();
    expect(await Promise.all(ends)).toMatchObject(ends.map(() => ({ outcome: 'cancelled' })));
    expect(cages()).toEqual([]);
    expect(await busy.inspect({ kind: 'onnx', file: model, digest })).toMatchObject({ outcome: 'cancelled' });
  });
});

describe('the program that inspects ONNX files', () => {
  test.each(isolationLevels.map((level) => [level]))('works in a cage: %s', async (isolation) => {
    const host = await startLocalRuntimeHost({
      ...localHostStart(folder, isolation, {
        limits: { inspectionMs: 60_000, inspectionMemoryBytes: 4 * 1024 ** 3 },
      }),
      inspection: {
        command: process.execPath,
        arguments: ['--conditions=muster-source', join(root, 'packages/runtime-onnx/src/inspect.ts')],
        readable: [dirname(process.execPath), root],
      },
    }).catch((error: unknown) => {
      // A machine without the means says so.
      expect(error).toMatchObject({ code: 'isolation_unavailable' });
      return null;
    });
    if (host === null) return expect(isolation).not.toBe('none');
    const inspect = async (name: string): Promise<InspectionEnd> => {
      writeFileSync(model, readFileSync(join(root, 'packages/runtime-onnx/fixtures', name)));
      return await host.inspect({ kind: 'onnx', file: model, digest });
    };
    const good = await inspect('identity-fp32.onnx');
    expect(good.outcome === 'done' && JSON.parse(good.text)).toMatchObject({ ok: true });
    const hostile = await inspect('crash-on-load.onnx');
    // The division that crashes x86-64 is harmless elsewhere.
    if (process.arch === 'x64') expect(hostile).toEqual({ outcome: 'failed', detail: 'ended by SIGFPE' });
    return await host.stop();
  });
});
