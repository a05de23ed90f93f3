import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MusterError, type Signature, type Tensor, tensorNumbers } from '@muster-ml/protocol';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openParquet } from '../tables/parquet-reader.ts';
import { nextChunkRows } from './chunk-size.ts';
import { scoreTable } from './score-table.ts';
import type { ScorePart, ScoreTask, WorkMessage } from './task.ts';

let folder: string;
let files = 0;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'muster-score-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** A model of two columns whose answer is their sum. */
const signature: Signature = {
  inputs: [{ name: 'x', datatype: 'FP64', shape: [-1, 2] }],
  outputs: [{ name: 'sum', datatype: 'FP64', shape: [-1] }],
  features: ['a', 'b'],
};

type Infer = (inputs: readonly Tensor[]) => Promise<{ outputs: Tensor[]; runMicros: number }>;

/** Answers what it is sent; `crashOn` and `failOn` are values of `a` that end the runner, or make the run fail. */
function model(
  options: { crashOn?: ReadonlySet<number>; failOn?: ReadonlySet<number> } = {},
): Infer & { runs: number[][] } {
  const runs: number[][] = [];
  const infer: Infer = async ([input]) => {
    await Promise.resolve();
    const numbers = Array.from(tensorNumbers(input as Tensor) as ArrayLike<number>);
    const a = numbers.filter((_, index) => index % 2 === 0);
    runs.push(a);
    if (a.some((value) => options.crashOn?.has(value))) throw new MusterError('link_lost', 'the runner ended');
    if (a.some((value) => options.failOn?.has(value))) throw new MusterError('model_failed', 'the model failed');
    const sums = Float64Array.from(a, (value, row) => value + (numbers[row * 2 + 1] ?? 0));
    return {
      outputs: [{ name: 'sum', datatype: 'FP64', shape: [a.length], bytes: new Uint8Array(sums.buffer) }],
      runMicros: 10,
    };
  };
  return Object.assign(infer, { runs });
}

function taskFor(content: string, rest: Partial<ScoreTask> = {}): ScoreTask {
  const path = join(folder, `table-${files++}`);
  writeFileSync(path, content);
  return {
    input: { path, format: 'csv', csv: { delimiter: ',', hasHeader: true } },
    signature,
    keep: [],
    result: { path: `${path}.result`, format: 'csv' },
    errorsPath: `${path}.errors`,
    address: 'unix:/nowhere',
    replica: 'r',
    software: 'test',
    parts: [],
    facts: {},
    ...rest,
  };
}

async function run(task: ScoreTask, infer: Infer): Promise<WorkMessage[]> {
  const told: WorkMessage[] = [];
  await scoreTable(task, { infer, tell: (message) => told.push(message), now: Date.now });
  return told;
}

const lines = (path: string): string[] =>
  readFileSync(path, 'utf8')
    .trimEnd()
    .split('\n')
    .filter((line) => line !== '');
const badRows = (task: ScoreTask): number[] =>
  lines(task.errorsPath).map((line) => (JSON.parse(line) as { row: number }).row);
const partsIn = (told: readonly WorkMessage[]): ScorePart[] =>
  told.flatMap((each) => (each.kind === 'part' ? [each.part] : []));

/** Rows and answers of a result in Parquet. */
function sumsIn(path: string): unknown[] {
  const reader = openParquet(path);
  reader.begin([{ name: 'row' }, { name: 'sum' }]);
  const found: unknown[] = [];
  for (let block = reader.next(1000); block !== undefined; block = reader.next(1000)) {
    const [rows, answers] = block.columns;
    for (let i = 0; i < block.rows; i++) found.push([rows?.[i], answers?.[i]]);
  }
  reader.close();
  return found;
}

describe('a table that is scored', () => {
  test('has every row answered once, in order, by column names', async () => {
    const rows = Array.from({ length: 1000 }, (_, row) => `${row * 2},ignored,${row}`);
    const task = taskFor(['b,c,a', ...rows].join('\n'));
    const told = await run(task, model());
    expect(lines(task.result.path)).toEqual(['row,sum', ...rows.map((_, row) => `${row},${row * 3}`)]);
    expect(told.at(-1)).toEqual({ kind: 'done', rows: 1000, badRows: 0 });
  });

  test('says all columns that it lacks before anything is run', async () => {
    const infer = model();
    await expect(run(taskFor('A,c\n1,2\n', { keep: ['d'] }), infer)).rejects.toMatchObject({ code: 'columns_missing' });
    await expect(run(taskFor('A,c\n1,2\n', { keep: ['d'] }), infer)).rejects.toThrow(
      'the table has no columns "a" (is "A" meant?), "b"',
    );
    expect(infer.runs).toEqual([]);
  });

  test('runs nothing behind the first rows where most of them are bad, and counts why', async () => {
    const infer = model();
    const rows = Array.from({ length: 5000 }, (_, row) => (row % 4 === 0 ? '1,2' : row % 4 === 1 ? '1' : 'x,2'));
    const failed = run(taskFor(['a,b', ...rows].join('\n')), infer);
    await expect(failed).rejects.toThrow('75 of the first 100 rows are bad: 50 × "a" is not a number');
    expect(infer.runs.flat()).toHaveLength(25);
  });

  test('looks at a hundredth of the rows, at most at ten thousand, before the others', async () => {
    const rows = Array.from({ length: 30_000 }, (_, row) => (row < 299 ? '1,2' : 'x,2'));
    const good = taskFor(['a,b', ...rows].join('\n'), { partMs: 0 });
    const told = await run(good, model());
    const [first] = partsIn(told);
    expect(first?.toRow).toBeGreaterThan(200);
    expect(first?.toRow).toBeLessThan(400);
  });

  test('is an empty result where it is empty', async () => {
    const task = taskFor('a,b\n');
    expect((await run(task, model())).at(-1)).toEqual({ kind: 'done', rows: 0, badRows: 0 });
    expect(lines(task.result.path)).toEqual(['row']);
  });

  test('loses exactly the rows on which the model fails or ends its runner', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.uniqueArray(fc.nat(499), { maxLength: 6 }),
        fc.uniqueArray(fc.nat(499), { maxLength: 6 }),
        async (crash, fail) => {
          const task = taskFor(['a,b', ...Array.from({ length: 500 }, (_, row) => `${row},1`)].join('\n'));
          await run(task, model({ crashOn: new Set(crash), failOn: new Set(fail) }));
          const bad = new Set([...crash, ...fail]);
          expect(badRows(task)).toEqual([...bad].toSorted((x, y) => x - y));
          expect(lines(task.result.path).slice(1)).toEqual(
            Array.from({ length: 500 }, (_, row) => row)
              .filter((row) => !bad.has(row))
              .map((row) => `${row},${row + 1}`),
          );
        },
      ),
      { numRuns: 25 },
    );
  });

  test('is given up where the model ends its runner all the time', async () => {
    const infer: Infer = async () => await Promise.reject(new MusterError('link_lost', 'gone'));
    const failed = run(taskFor(['a,b', ...Array.from({ length: 500 }, () => '1,1')].join('\n')), infer);
    await expect(failed).rejects.toMatchObject({ code: 'scoring_crashes' });
  });

  test.each(['csv', 'jsonl', 'parquet'] as const)(
    'goes on in %s behind the last part, and does no row twice',
    async (format) => {
      const rows = Array.from({ length: 3000 }, (_, row) => (row % 500 === 77 ? 'x,1' : `${row},1`));
      const whole = taskFor(['a,b', ...rows].join('\n'), { partMs: 0, keep: ['b'] });
      const task: ScoreTask = { ...whole, result: { ...whole.result, format } };
      const undisturbed = await run(task, model());
      const expected = readFileSync(task.result.path);
      const sums = format === 'parquet' ? sumsIn(task.result.path) : [];
      const errors = readFileSync(task.errorsPath, 'utf8');
      const parts = partsIn(undisturbed);
      expect(parts.length).toBeGreaterThan(3);
      for (const known of [1, 2, parts.length - 1, parts.length]) {
        // What a crash leaves: the part, and something behind it.
        writeFileSync(task.result.path, expected);
        const infer = model();
        const told = await run({ ...task, parts: parts.slice(0, known) }, infer);
        const from = parts[known - 1]?.toRow ?? 0;
        expect(infer.runs.flat().every((a) => a >= from)).toBe(true);
        expect(told.at(-1)).toEqual(undisturbed.at(-1));
        // Where the rows are cut into groups is another matter.
        if (format === 'parquet') expect(sumsIn(task.result.path)).toEqual(sums);
        else expect(readFileSync(task.result.path).equals(expected)).toBe(true);
        expect(readFileSync(task.errorsPath, 'utf8')).toBe(errors);
      }
    },
  );

  test('goes to a model that takes one row at a time one by one', async () => {
    const single: Signature = {
      inputs: [{ name: 'v', datatype: 'FP64', shape: [1, 2] }],
      outputs: [{ name: 'sum', datatype: 'FP64', shape: [1] }],
      features: ['a', 'b'],
    };
    const infer = model();
    const task = taskFor(['a,b', ...Array.from({ length: 250 }, (_, row) => `${row},1`)].join('\n'), {
      signature: single,
    });
    await run(task, infer);
    expect(infer.runs.every((rows) => rows.length === 1)).toBe(true);
    expect(lines(task.result.path).slice(1)).toEqual(Array.from({ length: 250 }, (_, row) => `${row},${row + 1}`));
  });
});

describe('the rows of a run', () => {
  const limits = { targetMs: 75, mostRows: 65_536, mostBytes: 16_000_000 };

  test('become as many as take the wished time, growing fourfold at most', () => {
    expect(nextChunkRows({ rows: 100, ranRows: 100, runMs: 1, bytes: 100 }, limits)).toBe(400);
    expect(nextChunkRows({ rows: 1000, ranRows: 1000, runMs: 150, bytes: 1000 }, limits)).toBe(500);
    expect(nextChunkRows({ rows: 10, ranRows: 10, runMs: 5000, bytes: 100 }, limits)).toBe(1);
  });

  test('stay within the bytes and rows that a run may have', () => {
    expect(nextChunkRows({ rows: 1000, ranRows: 1000, runMs: 1, bytes: 16_000_000 }, limits)).toBe(1000);
    expect(nextChunkRows({ rows: 65_000, ranRows: 65_000, runMs: 1, bytes: 1 }, limits)).toBe(65_536);
  });
});
