import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type EnvironmentSpec, MusterError, packSample } from '@muster-ml/protocol';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { eventually } from '../../test-support/eventually.ts';
import { systemPython } from '../../test-support/hostile/stage.ts';
import { localHostStart } from '../../test-support/local-host-start.ts';
import { oneEnvironment } from '../../test-support/one-environment.ts';
import type { PythonEnvironments } from './environments/python-environments.ts';
import type { LocalRuntimeHost } from './local-runtime-host.ts';
import type { ReplicaWish, RunnerObservation, RunnerWish } from './runtime-host.ts';
import { startLocalRuntimeHost } from './start-local-host.ts';

// Each test starts processes: milliseconds on a machine that does nothing else, seconds on one that runs all tests.
vi.setConfig({ testTimeout: 120_000 });

const python = systemPython() ?? '';
const signature = {
  inputs: [{ name: 'x', datatype: 'FP64', shape: [-1] }],
  outputs: [{ name: 'prediction', datatype: 'FP64', shape: [-1] }],
} as const;
const spec: EnvironmentSpec = { python: '3.11', requirements: [] };

let folder = '';
let host: LocalRuntimeHost | undefined;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'muster-python-'));
  for (const name of ['data', 'run', 'config']) mkdirSync(join(folder, name));
});
afterEach(async () => {
  await host?.stop();
  host = undefined;
  rmSync(folder, { recursive: true, force: true });
});

async function start(
  environments: Partial<PythonEnvironments> = {},
  pythonScratchBytes?: number,
): Promise<LocalRuntimeHost> {
  host = await startLocalRuntimeHost({
    ...localHostStart(folder, 'auto'),
    pythonEnvironments: { ...oneEnvironment({ python, readable: ['/usr'] }), ...environments },
    pythonScratchBytes,
  });
  return host;
}

/** A folder with a `model.py` that multiplies, as one tar file; `first` is done when it is loaded. */
function model(factor: number, first = 'pass'): string {
  const file = join(folder, 'data', `model-${factor}`);
  const source = `
def load(path):
    ${first}
    return ${factor}

def predict(model, data):
    return [float(value) * model for value in data]
`;
  const script = `
import io, sys, tarfile
source = sys.argv[2].encode()
entry = tarfile.TarInfo("model.py")
entry.size = len(source)
with tarfile.open(sys.argv[1], "w") as tar:
    tar.addfile(entry, io.BytesIO(source))
`;
  execFileSync(python, ['-I', '-c', script, file, source]);
  return file;
}

const doubles = (...values: number[]): Uint8Array => new Uint8Array(Float64Array.from(values).buffer);

/** A sample that expects an answer for each of two rows. */
function sample(...answers: readonly number[]): string {
  const header = (name: string) => ({ name, datatype: 'FP64' as const, shape: [2], size: 16 });
  const file = join(folder, 'data/sample');
  writeFileSync(
    file,
    packSample({ inputs: [header('x')], outputs: [header('prediction')] }, [doubles(1, 2), doubles(...answers)]),
  );
  return file;
}

function wish(id: string, file: string, more: Partial<RunnerWish> & { sampleFile?: string } = {}): RunnerWish {
  const { sampleFile, ...rest } = more;
  const replica: ReplicaWish = {
    id: `${id}-replica`,
    file,
    digest: createHash('sha256').update(readFileSync(file)).digest('hex'),
    python: { format: 'folder', signature, isTable: false },
    sampleFile,
  };
  const base = { id, runtime: 'python', team: 'default', kind: 'own', limits: {}, environment: spec } as const;
  return { ...base, replicas: [replica], ...rest };
}

function runner(id: string): RunnerObservation {
  const found = host?.observed().find((each) => each.id === id);
  if (found === undefined) throw new Error(`${id} is not there`);
  return found;
}

const settled = async (id: string) =>
  await eventually(() => runner(id).replicas.find(({ state }) => state === 'ready' || state === 'failed'));

describe.skipIf(python === '')('a Python runner', () => {
  test('is started in its environment and loads its model, with the threads that it may use and nothing of ours', async () => {
    await (await start()).want([wish('a', model(2), { threads: 3 })]);
    expect(await settled('a')).toMatchObject({ state: 'ready' });
    const words = runnerProcesses(runner('a').pid ?? 0).map(({ environment }) => environment);
    const own = words.find((each) => each.includes('OMP_NUM_THREADS=3')) ?? [];
    expect(own.filter((word) => /^(MUSTER|USER|SHELL|SSL)/.test(word))).toEqual([]);
    expect(own).toContain('HF_HUB_OFFLINE=1');
    expect(own.find((word) => word.startsWith('HOME='))).toMatch(/scratch$/);
  });

  test('in the background yields to everything else', async () => {
    await (await start()).want([wish('a', model(2), { isBackground: true })]);
    await settled('a');
    const niceness = runnerProcesses(runner('a').pid ?? 0).map(({ nice }) => nice);
    expect(new Set(niceness)).toEqual(new Set([19]));
  });

  test('becomes ready where it answers its sample as the training library did', async () => {
    await (await start()).want([wish('a', model(2), { sampleFile: sample(2, 4 + 1e-9) })]);
    expect(await settled('a')).toMatchObject({ state: 'ready' });
  });

  test('that answers its sample otherwise does not become ready, and the first difference is told', async () => {
    await (await start()).want([wish('a', model(2), { sampleFile: sample(2, 4.5) })]);
    expect(await settled('a')).toMatchObject({
      state: 'failed',
      problem: {
        code: 'sample_differs',
        detail: 'the first difference is in prediction, row 1: expected 4.5, got 4',
      },
    });
    expect(runner('a').state).toBe('running');
  });

  test('waits for its environment, and tells how that goes', async () => {
    const made = Promise.withResolvers<Awaited<ReturnType<PythonEnvironments['ensure']>>>();
    let tell = (_text: string): void => {};
    await start({
      ensure: async (_spec, onProgress = () => {}) => {
        tell = onProgress;
        return await made.promise;
      },
    });
    await host?.want([wish('a', model(2))]);
    tell('Downloading numpy');
    expect(runner('a')).toMatchObject({ state: 'starting', progress: 'Downloading numpy', pid: null });
    made.resolve(await oneEnvironment({ python, readable: ['/usr'] }).ensure(spec));
    expect(await settled('a')).toMatchObject({ state: 'ready' });
    expect(runner('a').progress).toBeUndefined();
  });

  test('whose environment cannot be made says why, and is tried again at once when the wish changes', async () => {
    const one = oneEnvironment({ python, readable: ['/usr'] });
    let asked = 0;
    await start({
      ensure: async (wished) => {
        asked += 1;
        if (wished.python !== '3.11') throw new MusterError('python_not_found', 'there is no Python 3.7 here');
        return await one.ensure(wished);
      },
    });
    const file = model(2);
    await host?.want([wish('a', file, { environment: { ...spec, python: '3.7' } })]);
    const problem = await eventually(() => runner('a').problem);
    expect(problem).toMatchObject({ code: 'python_not_found', detail: 'there is no Python 3.7 here' });
    expect(runner('a')).toMatchObject({ state: 'failed', restarts: 0 });
    await host?.want([wish('a', file)]);
    expect(await settled('a')).toMatchObject({ state: 'ready' });
    expect(asked).toBe(2);
  });

  test('whose environment finds no room on the disk says so, and is not taken for one that crashes', async () => {
    await start({ ensure: async () => await Promise.reject(new MusterError('disk_full', 'there is no space left')) });
    await host?.want([wish('a', model(2))]);
    expect(await eventually(() => runner('a').problem)).toMatchObject({ code: 'disk_full' });
    expect(runner('a')).toMatchObject({ state: 'failed', restarts: 0 });
  });

  test('whose environment is there only when the host has stopped is not started any more', async () => {
    const made = Promise.withResolvers<Awaited<ReturnType<PythonEnvironments['ensure']>>>();
    await start({ ensure: async () => await made.promise });
    await host?.want([wish('a', model(2))]);
    await host?.stop();
    made.resolve(await oneEnvironment({ python, readable: ['/usr'] }).ensure(spec));
    await new Promise((resolve) => setImmediate(resolve));
    expect(runner('a').pid).toBeNull();
  });

  test('that is not wished any more while its environment is made ends that', async () => {
    let signalled: AbortSignal | undefined;
    await start({
      ensure: async (_spec, _onProgress, signal) => {
        signalled = signal;
        return await new Promise((_resolve, reject) => {
          signal?.addEventListener('abort', () => reject(new Error('ended')));
        });
      },
    });
    await host?.want([wish('a', model(2))]);
    await eventually(() => signalled);
    await host?.want([]);
    await eventually(() => host?.observed().length === 0);
    expect(signalled?.aborted).toBe(true);
  });

  test('holds its environment for as long as it runs in it', async () => {
    const held: string[] = [];
    await start({
      hold: (digest) => {
        held.push(digest);
        return () => held.pop();
      },
    });
    await host?.want([wish('a', model(2))]);
    await settled('a');
    expect(held).toEqual(['one']);
    await host?.want([]);
    await eventually(() => held.length === 0);
  });
});

describe.skipIf(python === '')('an inspection of a model that only Python can run', () => {
  test('looks at it without running it, with an interpreter alone where the tool cannot be had', async () => {
    await start({
      ensureTool: async () => await Promise.resolve(null),
      interpreters: async () =>
        await Promise.resolve([
          { executable: python, version: '3.11.0', minor: '3.11', platform: '', readable: ['/usr'] },
        ]),
    });
    const end = await host?.inspect({ kind: 'look', file: model(2), digest: 'a'.repeat(64) });
    expect(end?.outcome === 'done' && JSON.parse(end.text)).toMatchObject({ ok: true, format: 'folder' });
  });

  test('loads it in its environment and answers its sample', async () => {
    await start();
    const end = await host?.inspect({
      kind: 'prove',
      file: model(3),
      digest: 'a'.repeat(64),
      format: 'folder',
      environment: spec,
      sampleFile: sample(3, 6),
    });
    expect(end?.outcome === 'done' && JSON.parse(end.text)).toMatchObject({
      ok: true,
      sample: { outputs: [{ name: 'prediction' }] },
    });
  });

  test('ends one that fills its scratch folder, also with files that it has deleted', async () => {
    await start({}, 16 * 1024 ** 2);
    const fill = `
    import os, time
    kept = [open("fill-%d" % number, "wb") for number in range(4)]
    for file in kept:
        os.unlink(file.name)
        file.write(bytes(${8 * 1024 ** 2}))
        file.flush()
    time.sleep(60)`;
    const file = model(3, fill);
    const limitBytes = 16 * 1024 ** 2 + 2 * statSync(file).size;
    const end = await host?.inspect({
      kind: 'prove',
      file,
      digest: 'a'.repeat(64),
      format: 'folder',
      environment: spec,
    });
    expect(end).toEqual({
      outcome: 'output',
      detail: `it wrote more than ${limitBytes} bytes to its scratch folder`,
    });
  });

  test('says in words where its environment cannot be made', async () => {
    await start(oneEnvironment(null));
    const request = {
      kind: 'prove',
      file: model(3),
      digest: 'a'.repeat(64),
      format: 'folder',
      environment: spec,
    } as const;
    expect(await host?.inspect(request)).toEqual({
      outcome: 'failed',
      detail: 'it could not be started (no environment can be made in this test)',
    });
  });
});

/** The processes of a runner, with what they were started with. */
function runnerProcesses(pid: number): readonly { readonly environment: readonly string[]; readonly nice: number }[] {
  const children = existsSync(`/proc/${pid}/task/${pid}/children`)
    ? readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ').filter(Boolean).map(Number)
    : [];
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1)?.split(' ') ?? [];
  const environment = readFileSync(`/proc/${pid}/environ`, 'utf8').split('\0');
  return [{ environment, nice: Number(fields[16]) }, ...children.flatMap(runnerProcesses)];
}
