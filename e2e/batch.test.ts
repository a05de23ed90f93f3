import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { execFile } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type CallOptions, type Client, upload } from '@muster-ml/client';
import { MusterError, type Operation, type Score, fromProblem } from '@muster-ml/protocol';
import { handOver, succeeded } from './support/hand-over.ts';
import {
  type Place,
  type RunningMuster,
  isAlive,
  launcher,
  makePlace,
  removePlace,
  root,
  startMuster,
} from './support/muster.ts';
import { until } from './support/until.ts';

const run = promisify(execFile);
const limitMs = 180_000;
const example = join(root, 'examples/breast-cancer');

type Wish = Omit<NonNullable<CallOptions<'scoreStart'>['body']>, 'digest'>;

describe('a table that is scored in the background', () => {
  let place: Place;
  let muster: RunningMuster;
  beforeAll(async () => {
    place = await makePlace();
    muster = await startMuster(place);
    await handOver(muster.client, 'cancer', join(example, 'model-v1.onnx'), {
      sampleCsv: await readFile(join(example, 'sample.csv'), 'utf8'),
      signature: JSON.parse(await readFile(join(example, 'signature.json'), 'utf8')) as object,
    });
    await handOver(muster.client, 'echo', join(root, 'packages/runtime-onnx/fixtures/identity-fp32.onnx'));
    await handOver(muster.client, 'fragile', join(root, 'packages/runtime-onnx/fixtures/crash-on-row.onnx'));
  }, limitMs);
  afterAll(async () => {
    await muster?.stop();
    await removePlace(place);
  });

  it('has the answers that the same rows get online', { timeout: limitMs }, async () => {
    const csv = await readFile(join(example, 'heldout.csv'), 'utf8');
    const score = await scored(muster.client, 'cancer', Buffer.from(csv), { format: 'csv', resultFormat: 'jsonl' });
    const batch = (await textOf(muster.client, score)).trimEnd().split('\n');
    const online = await muster.client.request('/predict/cancer', {
      method: 'POST',
      headers: { 'content-type': 'text/csv' },
      body: csv,
    });
    const { predictions } = (await online.json()) as { readonly predictions: readonly object[] };
    expect(batch.map((line) => JSON.parse(line) as unknown)).toEqual(
      predictions.map((prediction, row) => ({ row, ...prediction })),
    );
    expect(score).toMatchObject({ state: 'succeeded', model: 'cancer', version: 1, errors: { rows: 0 } });
  });

  it('keeps columns, leaves bad rows out and names why', { timeout: limitMs }, async () => {
    const rows = Array.from(
      { length: 300 },
      (_, row) => `${row},customer ${row},${row % 100 === 7 ? 'x' : row / 2},1,2`,
    );
    const score = await scored(muster.client, 'echo', table(['note,id,f0,f1,f2', ...rows]), {
      format: 'csv',
      keep: ['id'],
    });
    const lines = (await textOf(muster.client, score)).trimEnd().split('\n');
    expect(lines[0]).toBe('row,id,y.0,y.1,y.2');
    expect(lines).toHaveLength(1 + 297);
    expect(lines[8]).toBe('8,customer 8,4,1,2');
    const errors = await (await muster.client.call('scoreErrors', { params: { score: score.id } })).text();
    expect(
      errors
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line) as unknown),
    ).toEqual([7, 107, 207].map((row) => ({ row, column: 'f0', reason: 'is not a number in the range of FP32' })));
  });

  it(
    'is one command: the result beside the table, and the bad rows beside the result',
    { timeout: limitMs },
    async () => {
      const file = join(place.folder, 'rows.csv');
      await writeFile(file, table(['id;f0;f1;f2', 'a;1;2;3', 'b;;x;3', 'c;4;5;6']));
      const words = [
        launcher,
        'score',
        'echo',
        file,
        '-o',
        join(place.folder, 'out.jsonl'),
        '--keep',
        'id',
        '--delimiter',
        ';',
      ];
      const { stdout, stderr } = await run(process.execPath, [...words, '--server', muster.url], {
        env: place.environment,
      });
      expect(stdout.trim()).toBe(join(place.folder, 'out.jsonl'));
      expect(stderr).toContain('1 of 3 rows have no answer');
      const answers = (await readFile(join(place.folder, 'out.jsonl'), 'utf8')).trimEnd().split('\n');
      expect(answers.map((line) => JSON.parse(line) as unknown)).toEqual([
        { row: 0, id: 'a', y: [1, 2, 3] },
        { row: 2, id: 'c', y: [4, 5, 6] },
      ]);
      const errors = await readFile(join(place.folder, 'out.jsonl.errors.jsonl'), 'utf8');
      expect(JSON.parse(errors)).toMatchObject({ row: 1, column: 'f1' });
      const facts = JSON.parse(await readFile(join(place.folder, 'out.jsonl.meta.json'), 'utf8')) as object;
      expect(facts).toMatchObject({ endpoint: 'echo', model: 'echo', version: 1, result: { rows: 2 } });
      const failed = run(process.execPath, [launcher, 'score', 'ecko', file, '--server', muster.url], {
        env: place.environment,
      });
      await expect(failed).rejects.toMatchObject({ code: 6, stderr: expect.stringContaining('echo') as string });
    },
  );

  it('refuses a table without the columns of the model, naming them', { timeout: limitMs }, async () => {
    const failed = scored(muster.client, 'echo', table(['f0,f_1', '1,2']), { format: 'csv' });
    await expect(failed).rejects.toMatchObject({ code: 'columns_missing' });
    await expect(failed).rejects.toThrow('"f1"');
    await expect(failed).rejects.toThrow('"f2"');
  });

  it('does not run the rest where most of the first rows are bad', { timeout: limitMs }, async () => {
    const rows = Array.from({ length: 20_000 }, (_, row) => `${row % 3 === 0 ? 1 : 'n/k'},1,2`);
    const failed = scored(muster.client, 'echo', table(['f0,f1,f2', ...rows]), { format: 'csv' });
    await expect(failed).rejects.toMatchObject({ code: 'too_many_bad_rows' });
    await expect(failed).rejects.toThrow('"f0" is not a number');
  });

  it('finds the row that ends the runner, and answers the others', { timeout: limitMs }, async () => {
    const rows = Array.from({ length: 400 }, (_, row) => JSON.stringify({ x: row === 321 ? -(2 ** 31) : row }));
    const score = await scored(muster.client, 'fragile', table(rows), { format: 'jsonl' });
    expect(score.progress).toMatchObject({ rowsDone: 400, badRows: 1 });
    const errors = await (await muster.client.call('scoreErrors', { params: { score: score.id } })).text();
    expect(JSON.parse(errors)).toEqual({ row: 321, column: null, reason: 'the model ends its runner on this row' });
  });

  it('answers every row once, although everything is killed in the middle', { timeout: limitMs }, async () => {
    const count = Number(process.env['ROWS'] ?? 200_000);
    const lines = ['f0,f1,f2'];
    for (let row = 0; row < count; row++) lines.push(row % 1000 === 999 ? `,x,${row}` : `${row},${row / 4},-1`);
    const operation = await begun(muster.client, 'echo', table(lines), { format: 'csv' });
    const id = await scoreOf(muster.client, 'echo', operation);
    let kills = 0;
    // First when the first rows are done, then when more are than a restart found.
    for (let seen = 0; kills < 2;) {
      let { progress, state } = await muster.client.call('scoreGet', { params: { score: id } });
      await until('more rows are done', limitMs, async () => {
        ({ progress, state } = await muster.client.call('scoreGet', { params: { score: id } }));
        return state !== 'running' || progress.rowsDone > seen;
      });
      if (state !== 'running') break;
      await killEverything(muster);
      kills++;
      muster = await startMuster(place);
      seen = (await muster.client.call('scoreGet', { params: { score: id } })).progress.rowsDone;
    }
    expect(kills).toBeGreaterThan(0);
    const score = await ended(muster.client, operation);
    const [header, ...answers] = (await textOf(muster.client, score)).trimEnd().split('\n');
    expect(header).toBe('row,y.0,y.1,y.2');
    const errors = await (await muster.client.call('scoreErrors', { params: { score: id } })).text();
    const bad = errors
      .trimEnd()
      .split('\n')
      .map((line) => (JSON.parse(line) as { readonly row: number }).row);
    expect(bad).toEqual(Array.from({ length: count / 1000 }, (_, index) => index * 1000 + 999));
    const good = Array.from({ length: count }, (_, row) => row).filter((row) => row % 1000 !== 999);
    expect(answers).toEqual(good.map((row) => `${row},${row},${row / 4},-1`));
  });
});

function table(lines: readonly string[]): Buffer {
  return Buffer.from(`${lines.join('\n')}\n`);
}

async function begun(client: Client, endpoint: string, bytes: Buffer, wish: Wish): Promise<Operation> {
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  const stored = await upload(client, {
    sizeBytes: bytes.byteLength,
    sha256,
    read: async (start, end) => bytes.subarray(start, end),
  });
  return await client.call('scoreStart', { params: { endpoint }, body: { digest: stored.digest, ...wish } });
}

async function scored(client: Client, endpoint: string, bytes: Buffer, wish: Wish): Promise<Score> {
  const { score } = await succeeded(client, await begun(client, endpoint, bytes, wish));
  return score as Score;
}

async function ended(client: Client, operation: Operation): Promise<Score> {
  const end = await client.follow(await client.call('operationGet', { params: { operation: operation.id } }), {
    signal: AbortSignal.timeout(limitMs),
  });
  if (end.state === 'succeeded' && end.result !== null) return end.result['score'] as Score;
  throw end.problem === null ? new MusterError('internal_error', `it ended as ${end.state}`) : fromProblem(end.problem);
}

async function scoreOf(client: Client, endpoint: string, operation: Operation): Promise<string> {
  const { items } = await client.call('scoreList', { params: { endpoint } });
  const found = items.find((score) => score.operation === operation.id);
  if (found === undefined) throw new Error(`no score has the operation ${operation.id}`);
  return found.id;
}

async function textOf(client: Client, score: Score): Promise<string> {
  return await (await client.call('scoreResult', { params: { score: score.id } })).text();
}

/** kill -9 of all processes with one blow. */
async function killEverything(muster: RunningMuster): Promise<void> {
  const tree = await muster.tree();
  const died = once(muster.process, 'exit');
  for (const pid of tree) {
    try {
      process.kill(pid, 'SIGKILL');
    } catch {
      // It has ended already.
    }
  }
  await died;
  await until('all processes are gone', 10_000, async () =>
    (await Promise.all(tree.map(isAlive))).every((alive) => !alive),
  );
}
