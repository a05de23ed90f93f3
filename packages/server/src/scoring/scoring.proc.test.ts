import { setTimeout as wait } from 'node:timers/promises';
import { type Score, startScoreSchema } from '@muster-ml/protocol';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type TestDatabase, openTestDatabase } from '../../test-support/database.ts';
import { eventually } from '../../test-support/eventually.ts';
import { callerIn, maker } from '../../test-support/registry.ts';
import {
  type ScoringRoom,
  type ScoringRoomOptions,
  openScoringRoom,
  sumModel,
} from '../../test-support/scoring-room.ts';

const alice = callerIn({ default: maker });

describe('scoring, with its threads and a runner', () => {
  let opened: TestDatabase;
  let room: ScoringRoom;
  beforeEach(async () => {
    opened = await openTestDatabase('sqlite');
  });
  afterEach(async () => {
    await room.close();
    await opened.close();
  });

  const start = async (options: ScoringRoomOptions = {}): Promise<void> => {
    room = await openScoringRoom(opened.database, options);
  };
  const begin = async (text: string, wish: object = {}) =>
    await room.scoring.startScore(
      alice,
      'sums',
      startScoreSchema.parse({ digest: await room.put(text), format: 'csv', ...wish }),
    );
  const newest = async (): Promise<Score> => {
    const { items } = await room.scoring.listScores(alice, 'sums', { limit: 1 });
    const [score] = items;
    if (score === undefined) throw new Error('there is no score');
    return score;
  };
  const rows = (count: number): string =>
    ['a,b', ...Array.from({ length: count }, (_, row) => `${row},1`), ''].join('\n');

  test('answers each row, keeps result and errors, and says so in the ledger', async () => {
    await start();
    const operation = await room.ended(await begin('a,b\n1,2\nx,2\n3,4\n5,6\n'));
    expect(operation).toMatchObject({ state: 'succeeded', kind: 'score', subject: 'endpoint/sums' });
    const score = await newest();
    expect(score).toMatchObject({
      state: 'succeeded',
      model: 'm',
      version: 3,
      progress: { rowsDone: 4, rowsTotal: 4, badRows: 1 },
      result: { rows: 3 },
      errors: { rows: 1 },
    });
    expect(await room.textOf(score.result?.digest ?? '')).toBe('row,sum\n0,3\n2,7\n3,11\n');
    expect(JSON.parse(await room.textOf(score.errors?.digest ?? ''))).toMatchObject({ row: 1, column: 'a' });
    expect(room.entries.map(({ action, outcome }) => [action, outcome])).toEqual([
      ['endpoint.score', 'allowed'],
      ['system.score-end', 'allowed'],
    ]);
    expect(room.entries[1]?.ctx).toMatchObject({ rows: 4, badRows: 1, result: score.result?.digest });
    expect(room.wishes()).toEqual([]);
  });

  test('runs on a runner of its own, behind everything else', async () => {
    await start({ model: async (inputs, run) => await wait(20).then(() => sumModel(inputs, run)) });
    const operation = await begin(rows(3000));
    const [wish] = await eventually(() => (room.wishes().length > 0 ? room.wishes() : undefined));
    expect(wish).toMatchObject({ kind: 'own', isBackground: true, team: 'default', runtime: 'onnx' });
    await room.ended(operation);
  });

  test('goes on after a restart, and answers each row once', async () => {
    await start({ model: async (inputs, run) => await wait(30).then(() => sumModel(inputs, run)) });
    const operation = await begin(rows(20_000));
    await eventually(async () => (await newest()).progress.rowsDone > 0);
    room = await room.restart();
    const ended = await room.ended((await room.operations.get(operation.id)).operation);
    expect(ended.state).toBe('succeeded');
    const { result } = await newest();
    const lines = (await room.textOf(result?.digest ?? '')).trimEnd().split('\n');
    expect(lines.slice(1)).toEqual(Array.from({ length: 20_000 }, (_, row) => `${row},${row + 1}`));
  });

  test('is cancelled by its operation, and leaves no runner', async () => {
    await start({ model: async (inputs, run) => await wait(50).then(() => sumModel(inputs, run)) });
    const operation = await begin(rows(100_000));
    await eventually(async () => (await newest()).progress.rowsDone > 0);
    expect(await room.operations.cancel(operation.id)).toMatchObject({ state: 'cancelled' });
    expect(await newest()).toMatchObject({ state: 'cancelled', result: null });
    expect(room.wishes()).toEqual([]);
    expect(room.entries.at(-1)?.ctx).toMatchObject({ state: 'cancelled' });
  });

  test('fails with what the runner cannot load', async () => {
    await start({ isUnloadable: true });
    const ended = await room.ended(await begin(rows(10)));
    expect(ended).toMatchObject({ state: 'failed', problem: { code: 'model_unloadable', detail: 'it lacks numpy' } });
    expect(await newest()).toMatchObject({ state: 'failed', problem: { code: 'model_unloadable' } });
  });

  test('fails at once where the table lacks a column, without a runner', async () => {
    await start();
    const ended = await room.ended(await begin('a,c\n1,2\n'));
    expect(ended).toMatchObject({ state: 'failed', problem: { code: 'columns_missing' } });
    expect(room.errors).toEqual([]);
  });
});
