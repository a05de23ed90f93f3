import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { cli, post } from './support/command-line.ts';
import { type Place, type RunningMuster, makePlace, removePlace, startMuster } from './support/muster.ts';
import { pythonVersion } from './support/python.ts';
import { until } from './support/until.ts';

const run = promisify(execFile);
const hasPython = pythonVersion() !== undefined || process.env['CI'] === 'true';
const loadMs = 15_000;
const hangMs = 4_000;

const good = `
def load(path):
    return 2


def predict(model, data):
    return [row["x"] * model for row in data]
`;

/** What is wrong with a model that cannot even be registered, and what its owner is told. */
const broken = [
  ['needs a module that is not there', 'import no_such_library_at_all\n' + good, /no_such_library_at_all/],
  ['is not Python', 'def load(path:\n', /model\.py/],
  ['has no predict', 'def load(path):\n    return 1\n', /predict/],
  ['raises as it is loaded', loading('raise ValueError("no weights")'), /no weights/],
  ['exits as it is loaded', loading('sys.exit(3)'), /exit/i],
  ['ends its process as it is loaded', loading('os._exit(3)'), /ended|exit/i],
  ['hangs as it is loaded', loading('time.sleep(1000)'), /15|longer|time/i],
  ['loops for ever', loading('while True: pass'), /15|longer|time/i],
  [
    'allocates 20 GB',
    loading('hog = [bytearray(1 << 28) for _ in range(80)]; [b.extend(b"x") for b in hog]'),
    /memory/i,
  ],
  ['fails for every row', good.replace('row["x"] * model', 'row["x"] / 0'), /ZeroDivisionError|division/],
] as const;

function loading(code: string): string {
  return `import os\nimport sys\nimport time\n\n\ndef load(path):\n    ${code}\n${good.slice(good.indexOf('\n\ndef predict'))}`;
}

let folder = '';
let place: Place;
let muster: RunningMuster;

describe.skipIf(!hasPython)('a broken Python model', () => {
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'muster-broken-'));
    await writeFile(join(folder, 'sample.csv'), 'x\n1\n2\n');
    place = await makePlace();
    const limits = { MUSTER_RUNNERS_LOAD_MS: String(loadMs), MUSTER_RUNNERS_HANG_MS: String(hangMs) };
    muster = await startMuster(place, {
      environment: { ...limits, MUSTER_PYTHON_MEMORY_BYTES: String(512 * 1024 * 1024) },
    });
    await deploy('good', good);
  }, 300_000);

  afterAll(async () => {
    await muster.stop();
    await removePlace(place);
    await rm(folder, { recursive: true, force: true });
  });

  it.each(broken)(
    'that %s is refused with the reason, in time, and harms nobody',
    async (what, source, reason) => {
      const name = what.replaceAll(/[^a-z0-9]+/gi, '-').toLowerCase();
      const startedAt = performance.now();
      const neighbour = callAllTheTime();
      await expect(deploy(name, source)).rejects.toThrow(reason);
      expect(performance.now() - startedAt).toBeLessThan(loadMs + 60_000);
      expect(await neighbour()).toEqual({ failed: [] });
    },
    120_000,
  );

  it('that prints a gigabyte is served, and its log stays small', async () => {
    await deploy('loud', loading('[sys.stdout.write("x" * (1 << 20)) for _ in range(1024)]; return 2'));
    expect(await post(muster, '/predict/loud', { rows: [{ x: 4 }] })).toMatchObject({
      predictions: [{ prediction: 8 }],
    });
    const { stdout } = await run('du', ['-sk', join(place.dataDir, 'logs')]);
    expect(Number.parseInt(stdout, 10)).toBeLessThan(64 * 1024);
  }, 180_000);

  it('made with a Python that is not here is refused by its version', async () => {
    await expect(deploy('old', good, '--python', '3.5')).rejects.toThrow(/python_not_found|3\.5/);
  }, 60_000);

  it('that answers otherwise than its sample is refused with the first difference', async () => {
    const column = { name: 'x', datatype: 'FP64', shape: [2] };
    const sample = {
      inputs: [{ ...column, data: [1, 2] }],
      isTable: true,
      outputs: [{ name: 'prediction', datatype: 'FP64', shape: [2], data: [2, 5] }],
    };
    const file = join(folder, 'sample.json');
    await writeFile(file, JSON.stringify(sample));
    await expect(deploy('different', good, '--sample', file)).rejects.toThrow(/row 1[\s\S]*5[\s\S]*sample_differs/);
  }, 120_000);

  it('keeps what is live, and says of the endpoint what became of the attempt', async () => {
    await expect(deploy('good', loading('raise ValueError("worse")'))).rejects.toThrow(/worse/);
    const endpoint = await muster.client.call('endpointGet', { params: { endpoint: 'good' } });
    expect(endpoint).toMatchObject({ ready: true, deployments: [{ role: 'live', version: 1, state: 'ready' }] });
  }, 120_000);

  it('whose request hangs or kills it fails that request only, and answers again', async () => {
    const moody = `
import os
import time


def load(path):
    return 2


def predict(model, data):
    for row in data:
        if row["x"] == 13:
            time.sleep(1000)
        if row["x"] == 14:
            os._exit(1)
    return [row["x"] * model for row in data]
`;
    await deploy('moody', moody);
    await muster.client.call('endpointUpdate', {
      params: { endpoint: 'moody' },
      body: { limits: { timeoutMs: 2000 } },
      ifMatch: (await muster.client.call('endpointGet', { params: { endpoint: 'moody' } })).revision,
    });
    const neighbour = callAllTheTime();
    for (const [x, status] of [
      [14, /answered 500[\s\S]*model_crashed/],
      [13, /answered 50[34]/],
    ] as const) {
      await expect(post(muster, '/predict/moody', { rows: [{ x }] })).rejects.toThrow(status);
      await until('it answers again', 60_000, async () => await answers('moody'));
    }
    expect(await neighbour()).toEqual({ failed: [] });
  }, 180_000);
});

async function deploy(name: string, source: string, ...flags: readonly string[]): Promise<void> {
  const model = join(folder, name);
  await mkdir(model, { recursive: true });
  await writeFile(join(model, 'model.py'), source);
  const sample = flags.includes('--sample') ? [] : ['--sample', join(folder, 'sample.csv')];
  await cli(muster, ['deploy', model, '--name', name, ...sample, ...flags]);
}

async function answers(endpoint: string): Promise<boolean> {
  return await post(muster, `/predict/${endpoint}`, { rows: [{ x: 4 }] }).then(
    () => true,
    () => false,
  );
}

/** Asks the good neighbour again and again; the answer ends it and tells what failed. */
function callAllTheTime(): () => Promise<{ readonly failed: readonly string[] }> {
  const failed: string[] = [];
  const over = new AbortController();
  const calling = (async () => {
    while (!over.signal.aborted) {
      const answer = await post(muster, '/predict/good', { rows: [{ x: 3 }] }).catch((error: unknown) => error);
      const { predictions } = answer as { readonly predictions?: readonly { readonly prediction: number }[] };
      if (predictions?.[0]?.prediction !== 6) failed.push(String(answer));
    }
  })();
  return async () => {
    over.abort();
    await calling;
    return { failed };
  };
}
