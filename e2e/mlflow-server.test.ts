import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  type Place,
  type RunningMuster,
  freePort,
  makePlace,
  removePlace,
  root,
  startMuster,
} from './support/muster.ts';
import { cli } from './support/command-line.ts';
import { pythonVersion, pythonWith } from './support/python.ts';
import { until } from './support/until.ts';

const run = promisify(execFile);
const isCi = process.env['CI'] === 'true';
const hasPython = pythonVersion() !== undefined || isCi;

interface Logged {
  readonly rows: readonly unknown[];
  readonly label: readonly string[];
}

let folder = '';
let python = '';
let mlflowUrl = '';
let mlflow: ChildProcess;
let place: Place;
let muster: RunningMuster;

describe.skipIf(!hasPython)('an MLflow server that a team already has', () => {
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'muster-mlflow-server-'));
    python = await pythonWith(join(root, 'e2e/python/requirements.txt'));
    const port = await freePort();
    mlflowUrl = `http://127.0.0.1:${port}`;
    const stores = [
      `--backend-store-uri=sqlite:///${join(folder, 'mlflow.db')}`,
      `--artifacts-destination=${join(folder, 'artifacts')}`,
    ];
    const words = [
      '-m',
      'mlflow',
      'server',
      '--host',
      '127.0.0.1',
      '--port',
      String(port),
      '--workers',
      '1',
      ...stores,
    ];
    mlflow = spawn(python, words, { cwd: folder, stdio: 'ignore', detached: true });
    process.once('exit', endMlflow);
    await until(
      'MLflow answers',
      120_000,
      async () => (await fetch(`${mlflowUrl}/health`).catch(() => undefined))?.ok === true,
    );
    place = await makePlace();
    muster = await startMuster(place, {
      environment: { MUSTER_MLFLOW_SERVERS: JSON.stringify([{ url: mlflowUrl }]), MUSTER_MLFLOW_FOLLOW_MS: '1000' },
    });
  }, 1_200_000);

  afterAll(async () => {
    await muster.stop();
    await removePlace(place);
    endMlflow();
    if (mlflow.exitCode === null && mlflow.signalCode === null) await once(mlflow, 'exit');
    await rm(folder, { recursive: true, force: true });
  });

  let first: Logged;
  let second: Logged;

  it('hands over what an alias names, with its lineage, and it answers as it did there', async () => {
    first = await log('first');
    await cli(muster, ['deploy', 'models:/churn@champion', '--mlflow', mlflowUrl, '--name', 'churn', '--follow']);
    expect(await answers(first)).toEqual(first.label);
    const version = await muster.client.call('versionGet', { params: { model: 'churn', version: 1 } });
    expect(version.lineage).toMatchObject({
      source: 'mlflow',
      server: mlflowUrl,
      model: 'churn',
      version: '1',
      alias: 'champion',
    });
  }, 600_000);

  it('follows the alias when it moves', async () => {
    second = await log('second');
    await until('the second version is live', 300_000, async () => (await live()) === 2);
    expect(await answers(second)).toEqual(second.label);
  }, 600_000);

  it('keeps what is live when the alias names something broken, and says so', async () => {
    await log('broken');
    await until('the failure is told', 120_000, async () => (await follow()).problem !== null);
    expect(await live()).toBe(2);
    expect(await answers(second)).toEqual(second.label);
  }, 300_000);

  it('goes back with the alias without a second copy, and a rollback here stays until the alias moves', async () => {
    await point('1');
    await until('the first version is live again', 120_000, async () => (await live()) === 1);
    await cli(muster, ['rollback', 'churn']);
    await until('the rollback is done', 120_000, async () => (await live()) === 2);
    const { checkedAt } = await follow();
    await until('the alias was looked at twice', 30_000, async () => {
      const now = (await follow()).checkedAt;
      return Date.parse(now ?? '') >= Date.parse(checkedAt ?? '') + 2000;
    });
    expect(await live()).toBe(2);
    const { latestVersion } = await muster.client.call('modelGet', { params: { model: 'churn' } });
    expect(latestVersion).toBe(2);
  }, 300_000);

  it('asks no server that the configuration does not name', async () => {
    const other = `http://127.0.0.1:${await freePort()}`;
    await expect(
      muster.client.call('followSet', {
        params: { endpoint: 'churn' },
        body: { server: other, sourceModel: 'churn', alias: 'champion' },
      }),
    ).rejects.toMatchObject({ code: 'mlflow_unknown_server' });
  });

  it('keeps no credentials', async () => {
    const environment = { MLFLOW_TRACKING_USERNAME: 'ann', MLFLOW_TRACKING_PASSWORD: 'hunter2-secret' };
    await cli(muster, ['deploy', 'models:/churn/1', '--mlflow', mlflowUrl, '--name', 'private'], environment);
    const { stdout } = await run('grep', ['-rl', 'hunter2-secret', place.dataDir]).catch(() => ({ stdout: '' }));
    expect(stdout).toBe('');
  }, 300_000);

  async function live(): Promise<number | undefined> {
    const endpoint = await muster.client.call('endpointGet', { params: { endpoint: 'churn' } });
    return endpoint.deployments.find(({ role, state }) => role === 'live' && state === 'ready')?.version;
  }

  async function follow() {
    return await muster.client.call('followGet', { params: { endpoint: 'churn' } });
  }
});

function endMlflow(): void {
  if (mlflow.pid !== undefined && mlflow.exitCode === null && mlflow.signalCode === null)
    try {
      process.kill(-mlflow.pid, 'SIGTERM');
    } catch {
      // It has ended by itself.
    }
}

async function log(what: 'first' | 'second' | 'broken'): Promise<Logged> {
  const { stdout } = await run(python, [join(root, 'e2e/python/log_models.py'), what], {
    env: { ...process.env, MLFLOW_TRACKING_URI: mlflowUrl },
    cwd: folder,
    timeout: 120_000,
  });
  const line = stdout.split('\n').find((one) => one.startsWith('{"rows"'));
  return line === undefined ? { rows: [], label: [] } : (JSON.parse(line) as Logged);
}

async function point(version: string): Promise<void> {
  const response = await fetch(`${mlflowUrl}/api/2.0/mlflow/registered-models/alias`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ name: 'churn', alias: 'champion', version }),
  });
  expect(response.status).toBe(200);
}

async function answers({ rows }: Logged): Promise<unknown> {
  const response = await fetch(`${muster.url}/endpoints/churn/invocations`, {
    method: 'POST',
    headers: { authorization: `Bearer ${muster.token}`, 'content-type': 'application/json' },
    body: JSON.stringify({ dataframe_records: rows }),
  });
  return ((await response.json()) as { readonly predictions: unknown }).predictions;
}
