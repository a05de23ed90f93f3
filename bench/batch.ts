import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { type Client, upload } from '@muster-ml/client';
import type { Operation, Score } from '@muster-ml/protocol';
import { type Accepted, type Benchmark, figureOf } from './benchmark.ts';
import { deployVersion, registerModel } from './deploy-model.ts';
import { inferBody, inferRequest } from './infer-request.ts';
import { type Installation, makeInstallationFolder, startInstallation } from './installation.ts';
import type { LoadOrder, LoadReport } from './load-generator.ts';
import { startOrderedProcess } from './process-orders.ts';
import { distributionOf, ratioOf } from './ratio.ts';
import { sideOf, takeTurns } from './serving-stage.ts';

/*
 * A table of 1,000,000 rows with 20 columns of doubles in Parquet, scored by two models of Python libraries. Their own loop
 * reads the same file in batches of 10,000 rows and predicts, in one process with one thread, as the runner has one. Ours
 * is measured from the first progress with rows to the end, result stored: starting the interpreter and importing the
 * library is in neither. Both are as nice as can be (19), so that a busy machine slows both.
 *
 * Then predictions of a small model online, alone and beside such a batch.
 */
const from = 'runs on 2 cores, November 2026';
const throughput: Accepted = { min: 0.8, from };
const beside: Accepted = { max: 1.5, from: 'the goal, which the runs of November 2026 (1.2 to 2.8) do not reach' };
const models = ['xgboost', 'histogram'] as const;
const clients = 4;
const run = promisify(execFile);
const peer = fileURLToPath(new URL('peers/batch_loop.py', import.meta.url));
const requirementsFile = fileURLToPath(new URL('peers/batch-requirements.txt', import.meta.url));

export const batch: Benchmark = {
  name: 'batch',
  title: "Batch: scoring a table against the library's own loop, and predictions beside it",
  async measure({ isQuick, log }) {
    const [rows, rounds] = isQuick ? [100_000, 1] : [1_000_000, 5];
    const folder = await makeInstallationFolder();
    const stops: (() => Promise<void>)[] = [async () => await folder.remove()];
    try {
      const python = await makePython(folder.path);
      const oneThread = { ...process.env, OMP_NUM_THREADS: '1' };
      await run(python, [peer, 'prepare', folder.path, String(rows)], { env: oneThread });
      const muster = await startInstallation(folder);
      stops.unshift(async () => await muster.stop());
      const { client } = muster;
      const table = await send(client, join(folder.path, 'table.parquet'));
      for (const model of models) await handOver(client, folder.path, model);

      const figures = [];
      const values: Record<string, unknown> = { rows, columns: 20 };
      for (const model of models) {
        const ours = async (): Promise<number> => await scoredPerSecond(client, model, table, rows);
        const theirs = async (): Promise<number> => {
          const line = ['-n', '19', python, peer, 'loop', folder.path, model];
          const { stdout } = await run('nice', line, { env: oneThread });
          const { seconds } = JSON.parse(stdout) as { readonly seconds: number };
          return rows / seconds;
        };
        const pairs = await takeTurns(rounds, ours, theirs);
        figures.push(
          figureOf(
            `rows a second, ${model}`,
            `rows a second of a batch / of the library's own loop over the same Parquet file, ${model}`,
            ratioOf(pairs.map(({ a, b }) => a / b)),
            throughput,
          ),
        );
        values[model] = {
          rowsPerSecond: distributionOf(pairs.map(({ a }) => a)),
          loopRowsPerSecond: distributionOf(pairs.map(({ b }) => b)),
        };
        log(`${model}: ${Math.round(distributionOf(pairs.map(({ a }) => a)).p50)} rows a second`);
      }
      const online = await measureOnline(muster, table, rounds, isQuick ? 1000 : 4000);
      figures.push(
        figureOf(
          'p99 beside a batch',
          `p99 latency of predictions of ${clients} clients beside a batch / alone`,
          ratioOf(online.map(({ a, b }) => a / b)),
          beside,
        ),
      );
      values['online'] = {
        p99BesideMs: distributionOf(online.map(({ a }) => a)),
        p99AloneMs: distributionOf(online.map(({ b }) => b)),
      };
      return { figures, values };
    } finally {
      for (const stop of stops) await stop();
    }
  },
};

/** An interpreter with the libraries, for the loop and for making the models. */
async function makePython(folder: string): Promise<string> {
  const environment = join(folder, 'python');
  await run('python3', ['-m', 'venv', environment]);
  const python = join(environment, 'bin/python');
  const quiet = ['--quiet', '--disable-pip-version-check', '--no-input', '--only-binary', ':all:'];
  await run(python, ['-m', 'pip', 'install', ...quiet, '--requirement', requirementsFile], { timeout: 900_000 });
  return python;
}

async function send(client: Client, path: string): Promise<string> {
  const bytes = await readFile(path);
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  await upload(client, {
    sizeBytes: bytes.byteLength,
    sha256,
    read: async (start, end) => bytes.subarray(start, end),
  });
  return sha256;
}

async function handOver(client: Client, folder: string, model: string): Promise<void> {
  const { stdout } = await run(join(folder, 'python/bin/python'), [
    '-c',
    'import sys; print("%d.%d" % sys.version_info[:2])',
  ]);
  const requirements = (await readFile(requirementsFile, 'utf8'))
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('pyarrow'));
  await client.call('modelCreate', { body: { name: model } });
  const registration = await client.call('versionRegister', {
    params: { model },
    body: {
      digest: await send(client, join(folder, `${model}.pkl`)),
      sampleCsv: await readFile(join(folder, 'sample.csv'), 'utf8'),
      python: { version: stdout.trim(), requirements },
    },
  });
  await succeeded(client, registration);
  await deployVersion(client, model, model, 1);
}

/** Rows a second from the first progress that has some. */
async function scoredPerSecond(client: Client, endpoint: string, digest: string, rows: number): Promise<number> {
  const { id, operation } = await begin(client, endpoint, digest);
  const first = await untilRows(client, id);
  const startedMs = performance.now();
  await succeeded(client, await client.call('operationGet', { params: { operation } }));
  return ((rows - first.progress.rowsDone) * 1000) / (performance.now() - startedMs);
}

/** p99 latencies of a small model in milliseconds: (a) beside a batch, (b) alone. */
async function measureOnline(muster: Installation, table: string, rounds: number, durationMs: number) {
  const { client } = muster;
  const generator = startOrderedProcess<LoadOrder, LoadReport>('load-process.ts');
  try {
    const small = await readFile(fileURLToPath(new URL('../examples/breast-cancer/model-v2.onnx', import.meta.url)));
    await deployVersion(client, 'small', 'small', await registerModel(client, 'small', small));
    const row = Array.from({ length: 30 }, (_, column) => column / 8);
    const requests = [inferRequest('small', muster.token, inferBody('input', [row]))];
    const p99 = async (): Promise<number> => {
      const { port } = muster;
      const order = { port, connections: clients, requests, warmUpMs: durationMs / 4, durationMs, marker: '"outputs"' };
      return sideOf(await generator.ask(order)).p99Ms;
    };
    await p99();
    return await takeTurns(
      rounds,
      async () => {
        const { id, operation } = await begin(client, 'histogram', table);
        await untilRows(client, id);
        const measured = await p99();
        const { state } = await client.call('scoreGet', { params: { score: id } });
        if (state !== 'running') throw new Error('the batch ended before the load did');
        await client.call('operationCancel', { params: { operation } });
        return measured;
      },
      p99,
    );
  } finally {
    await generator.stop();
  }
}

async function begin(client: Client, endpoint: string, digest: string): Promise<Score> {
  const operation = await client.call('scoreStart', { params: { endpoint }, body: { digest, format: 'parquet' } });
  const { items } = await client.call('scoreList', { params: { endpoint }, query: { limit: 1 } });
  const [score] = items;
  if (score?.operation !== operation.id) throw new Error('the newest score is another one');
  return score;
}

async function untilRows(client: Client, score: string): Promise<Score> {
  for (;;) {
    const found = await client.call('scoreGet', { params: { score } });
    if (found.progress.rowsDone > 0 || found.state !== 'running') return found;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

async function succeeded(client: Client, operation: Operation): Promise<void> {
  const end = await client.follow(operation);
  if (end.state !== 'succeeded') throw new Error(`${end.kind} ${end.state}: ${end.problem?.detail ?? end.progress}`);
}
