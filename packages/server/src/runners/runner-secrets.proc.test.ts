import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Writable } from 'node:stream';
import { MusterError, toProblem } from '@muster-ml/protocol';
import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { eventually } from '../../test-support/eventually.ts';
import { systemPython } from '../../test-support/hostile/stage.ts';
import { localHostStart } from '../../test-support/local-host-start.ts';
import { oneEnvironment } from '../../test-support/one-environment.ts';
import type { LocalRuntimeHost } from './local-runtime-host.ts';
import type { RunnerWish } from './runtime-host.ts';
import { startLocalRuntimeHost } from './start-local-host.ts';

vi.setConfig({ testTimeout: 120_000 });

const python = systemPython() ?? '';
const value = 'correct-horse-battery';
const signature = {
  inputs: [{ name: 'x', datatype: 'FP64', shape: [-1] }],
  outputs: [{ name: 'prediction', datatype: 'FP64', shape: [-1] }],
} as const;

let folder = '';
let host: LocalRuntimeHost;
let log = '';

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'muster-given-'));
  for (const name of ['data', 'run', 'config']) mkdirSync(join(folder, name));
  log = '';
  const stream = new Writable({
    write: (chunk, _encoding, done) => {
      log += String(chunk);
      done();
    },
  });
  host = await startLocalRuntimeHost({
    ...localHostStart(folder, 'auto'),
    pythonEnvironments: oneEnvironment({ python, readable: ['/usr'] }),
    log: pino({ level: 'debug' }, stream),
  });
});
afterEach(async () => {
  await host.stop();
  rmSync(folder, { recursive: true, force: true });
});

/** A folder with a `model.py` whose loading does something, as one tar file. */
function model(loading: string): string {
  const file = join(folder, 'data', 'model');
  const source = `
import os

def load(path):
    ${loading}
    return 1

def predict(model, data):
    return [1.0 for value in data]
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

function wish(file: string, more: Partial<RunnerWish>): RunnerWish {
  const digest = createHash('sha256').update(readFileSync(file)).digest('hex');
  const replica = { id: 'a-replica', file, digest, python: { format: 'folder', signature, isTable: false } } as const;
  const environment = { python: '3.11', requirements: [] };
  return {
    id: 'a',
    runtime: 'python',
    team: 'risk',
    kind: 'own',
    limits: {},
    environment,
    replicas: [replica],
    ...more,
  };
}

const runner = () => host.observed().find(({ id }) => id === 'a');
const settled = async () =>
  await eventually(() => runner()?.replicas.find(({ state }) => state === 'ready' || state === 'failed'));

/** Command lines of every process here that may be read. */
function commandLines(): string {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map((pid) => {
      try {
        return readFileSync(`/proc/${pid}/cmdline`, 'utf8');
      } catch {
        return ''; // it has ended
      }
    })
    .join('\n');
}

describe.skipIf(python === '')('a Python runner that is given secrets', () => {
  test('finds them in its environment; no command line, log or observation tells them', async () => {
    const file = model(`print("got", os.environ["TOKEN"], len(os.environ["TOKEN"]), flush=True)`);
    await host.want([wish(file, { secrets: { TOKEN: value } })]);
    expect(await settled()).toMatchObject({ state: 'ready' });
    await eventually(() => log.includes(`got ••• ${value.length}`));
    for (const seen of [log, commandLines(), JSON.stringify(host.observed())]) expect(seen).not.toContain(value);
  });

  test('fails without telling them, where its model raises what it was given', async () => {
    const file = model(`raise ValueError("the server refused " + os.environ["TOKEN"] + "x" * 10)`);
    await host.want([wish(file, { secrets: { TOKEN: value } })]);
    const seen = await settled();
    expect(seen).toMatchObject({ state: 'failed', problem: { code: 'model_unloadable' } });
    expect(seen?.problem?.detail).toContain('the server refused •••');
    for (const text of [log, JSON.stringify(host.observed())]) expect(text).not.toContain(value);
  });

  test('is not started anew for another value, and has it after its next start', async () => {
    const file = model(`print("length", len(os.environ["TOKEN"]), flush=True)`);
    await host.want([wish(file, { secrets: { TOKEN: value } })]);
    await settled();
    const pid = runner()?.pid ?? 0;
    await host.want([wish(file, { secrets: { TOKEN: 'short' } })]);
    expect(runner()?.pid).toBe(pid);
    process.kill(pid, 'SIGKILL');
    await eventually(() => log.includes('length 5'));
    expect(log).toContain(`length ${value.length}`);
  });

  test('that is refused is not started, and what runs goes on', async () => {
    const refusal = toProblem(new MusterError('secret_not_found', 'there is no secret secret://risk/token'));
    const file = model('pass');
    await host.want([wish(file, { refusal })]);
    expect(await eventually(() => runner()?.state === 'failed' && runner())).toMatchObject({
      pid: null,
      problem: { code: 'secret_not_found' },
    });
    await host.want([]);
    await eventually(() => runner() === undefined);
    await host.want([wish(file, { secrets: { TOKEN: value } })]);
    expect(await settled()).toMatchObject({ state: 'ready' });
    const pid = runner()?.pid;
    await host.want([wish(file, { secrets: { TOKEN: value }, refusal })]);
    expect(runner()).toMatchObject({ pid, state: 'running' });
  });
});
