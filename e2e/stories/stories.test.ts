import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { cli, post } from '../support/command-line.ts';
import { type Place, type RunningMuster, makePlace, removePlace, root, startMuster } from '../support/muster.ts';
import { pythonVersion, pythonWith } from '../support/python.ts';

const run = promisify(execFile);
const hasPython = pythonVersion() !== undefined || process.env['CI'] === 'true';
const stories = join(root, 'e2e/stories');

let folder = '';
let place: Place;
let muster: RunningMuster;

/** Runs the script of a story, which writes its model and its data into a folder of its own. */
async function make(story: string, script: string, requirements: string): Promise<string> {
  const to = join(folder, story);
  const python = await pythonWith(requirements);
  await run(python, [join(stories, story, script), to], { timeout: 300_000 });
  return to;
}

async function jsonIn(file: string): Promise<unknown> {
  return JSON.parse(await readFile(file, 'utf8'));
}

describe.skipIf(!hasPython)('stories of Python models', () => {
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'muster-stories-'));
    place = await makePlace();
    muster = await startMuster(place);
  });

  afterAll(async () => {
    await muster.stop();
    await removePlace(place);
    await rm(folder, { recursive: true, force: true });
  });

  it('churn: a pickle is deployed without a handler, and the month is scored in one batch as at home', async () => {
    const made = await make('churn', 'train.py', join(root, 'e2e/python/requirements.txt'));
    await cli(muster, ['deploy', join(made, 'model.pkl'), '--name', 'churn', '--sample', join(made, 'sample.csv')]);
    const result = join(made, 'scores.csv');
    await cli(muster, ['score', 'churn', join(made, 'customers.csv'), '-o', result, '--keep', 'customer']);

    const [scores, expected] = [await table(result), await table(join(made, 'expected.csv'))];
    expect(scores.rows.length).toBe(expected.rows.length);
    const leaves = scores.column('probabilities.leaves');
    const customer = scores.column('customer');
    const apart = expected.rows.map(([name = '', home = ''], index) => {
      const row = scores.rows[index] ?? [];
      return row[customer] === name ? Math.abs(Number(row[leaves]) - Number(home)) : Infinity;
    });
    expect(Math.max(...apart)).toBeLessThan(1e-6);
  }, 900_000);

  it('ranking: whole searches are ranked as at home, also while a second version takes a share', async () => {
    const made = await make('ranking', 'train.py', join(root, 'e2e/python/requirements.txt'));
    const ranker = join(made, 'ranker.ubj');
    await cli(muster, ['deploy', ranker, '--name', 'ranking', '--requirements', 'xgboost-cpu==3.2.0']);
    const searches = (await jsonIn(join(made, 'searches.json'))) as readonly unknown[][];
    const expected = (await jsonIn(join(made, 'expected.json'))) as readonly number[][];
    const rank = async (): Promise<void> => {
      const ranked = await Promise.all(
        searches.map(async (rows) => {
          const answer = await post(muster, '/predict/ranking', { rows });
          return (answer as { readonly predictions: readonly { readonly prediction: number }[] }).predictions;
        }),
      );
      ranked.forEach((rows, search) =>
        rows.forEach(({ prediction }, row) => expect(prediction).toBeCloseTo(expected[search]?.[row] ?? NaN, 5)),
      );
    };
    await rank();
    await cli(muster, ['deploy', 'ranking:1', '--name', 'ranking', '--canary', '20%']);
    await rank();
    await cli(muster, ['promote', 'ranking']);
    await rank();
  }, 900_000);

  it('ticket-router: a transformer in a folder of somebody’s own routes tickets as at home', async () => {
    const made = await make('ticket-router', 'make_queues.py', join(stories, 'ticket-router/requirements-queues.txt'));
    const queues = ['deploy', join(made, 'queues'), '--name', 'ticket-router', '--sample', join(made, 'sample.csv')];
    await cli(muster, [...queues, '--requirements', join(stories, 'ticket-router/requirements-queues.txt')]);
    const rows = (await jsonIn(join(made, 'rows.json'))) as readonly unknown[];
    const expected = (await jsonIn(join(made, 'expected.json'))) as Readonly<Record<string, readonly unknown[]>>;
    const answer = await post(muster, '/predict/ticket-router', { rows });
    const { predictions } = answer as { readonly predictions: readonly Readonly<Record<string, unknown>>[] };
    expect(predictions.map(({ queue }) => queue)).toEqual(expected['queue']);
    predictions.forEach(({ nearness }, row) => expect(nearness).toBeCloseTo(Number(expected['nearness']?.[row]), 3));
  }, 900_000);
});

/** A CSV without quotes. */
async function table(file: string): Promise<{ readonly rows: readonly string[][]; column(name: string): number }> {
  const [header = '', ...lines] = (await readFile(file, 'utf8')).trimEnd().split(/\r?\n/);
  const names = header.split(',');
  return {
    rows: lines.map((line) => line.split(',')),
    column(name) {
      const index = names.indexOf(name);
      if (index < 0) throw new Error(`${file} has no column ${name}, it has ${header}`);
      return index;
    },
  };
}
