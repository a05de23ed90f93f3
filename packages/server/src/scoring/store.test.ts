import { servingSettingsSchema, startScoreSchema } from '@muster-ml/protocol';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type TestDatabase, databaseKinds, openTestDatabase } from '../../test-support/database.ts';
import { type ScoringRoom, openScoringRoom, sumSignature } from '../../test-support/scoring-room.ts';
import type { ScoreRecord } from './score.ts';
import { type ScoreEnd, type ScoreStore, createScoreStore } from './store.ts';
import type { ScorePart } from './work/task.ts';

describe.each(databaseKinds)('the store of scores on %s', (kind) => {
  let opened: TestDatabase;
  let room: ScoringRoom;
  let store: ScoreStore;
  let operation: string;
  beforeAll(async () => {
    opened = await openTestDatabase(kind);
    room = await openScoringRoom(opened.database);
    store = createScoreStore(opened.database);
    operation = await opened.database.inTransaction(
      async (tx) =>
        (
          await room.operations.create(tx, {
            kind: 'score',
            subject: 'endpoint/sums',
            team: 'default',
            createdBy: 'alice',
            input: {},
          })
        ).id,
    );
  });
  afterAll(async () => {
    await room.close();
    await opened.close();
  });

  const scoreWith = (id: string): ScoreRecord => ({
    id,
    endpointId: 'e1',
    endpoint: 'sums',
    team: 'default',
    operation,
    state: 'running',
    served: {
      model: 'm',
      number: 1,
      team: 'default',
      runtime: 'onnx',
      digest: 'd'.repeat(64),
      sizeBytes: 1,
      signature: sumSignature,
      sampleDigest: null,
    },
    settings: servingSettingsSchema.parse({}),
    wish: startScoreSchema.parse({ digest: id.padEnd(64, '0'), format: 'csv', keep: ['id'] }),
    inputBytes: 10,
    rowsDone: 0,
    rowsTotal: null,
    badRows: 0,
    result: null,
    errors: null,
    problem: null,
    createdAt: 1,
    author: { kind: 'person', id: 'alice', token: 't' },
    request: 'r',
    finishedAt: null,
    expiresAt: null,
  });
  const part = (number: number): ScorePart => ({
    number,
    toRow: number * 100,
    badRows: number,
    place: 2 ** 40,
    resultBytes: number * 10,
    errorsBytes: number,
    state: number === 1 ? null : '{}',
  });
  const end: ScoreEnd = {
    state: 'succeeded',
    rowsDone: 300,
    badRows: 3,
    result: { digest: 'e'.repeat(64), sizeBytes: 30 },
    errors: { digest: 'f'.repeat(64), sizeBytes: 3 },
    problem: null,
    finishedAt: 5,
    expiresAt: 10,
  };
  const inTransaction: TestDatabase['database']['inTransaction'] = async (work) =>
    await opened.database.inTransaction(work);

  test('gives a score back as it was, with its parts in order', async () => {
    await inTransaction(async (tx) => await store.insert(tx, scoreWith('a1')));
    expect(await store.find('a1')).toEqual(scoreWith('a1'));
    for (const number of [1, 2, 3]) await inTransaction(async (tx) => await store.addPart(tx, 'a1', part(number), 400));
    expect(await store.parts('a1')).toEqual([part(1), part(2), part(3)]);
    expect(await store.find('a1')).toMatchObject({ rowsDone: 300, badRows: 3, rowsTotal: 400 });
    // A part that is told again changes nothing.
    await inTransaction(async (tx) => await store.addPart(tx, 'a1', part(3), 400));
    expect(await store.parts('a1')).toHaveLength(3);
  });

  test('ends it once, lets go of the input, and keeps what came of it alive', async () => {
    const input = scoreWith('a1').wish.digest;
    const alive = async () => await inTransaction(async (tx) => await store.referenced(tx, [input, 'e'.repeat(64)]));
    expect(await alive()).toEqual([input]);
    expect(await inTransaction(async (tx) => await store.end(tx, 'a1', end))).toBe(true);
    expect(await inTransaction(async (tx) => await store.end(tx, 'a1', { ...end, state: 'failed' }))).toBe(false);
    expect(await store.find('a1')).toMatchObject({ state: 'succeeded', result: end.result, rowsTotal: 300 });
    expect(await store.parts('a1')).toEqual([]);
    expect(await alive()).toEqual(['e'.repeat(64)]);
  });

  test('lists by endpoint, newest first, and those that run', async () => {
    for (const id of ['b2', 'c3']) await inTransaction(async (tx) => await store.insert(tx, scoreWith(id)));
    expect((await store.page('e1', undefined, 2)).map(({ id }) => id)).toEqual(['c3', 'b2']);
    expect((await store.page('e1', 'b2', 2)).map(({ id }) => id)).toEqual(['a1']);
    expect((await store.running()).map(({ id }) => id)).toEqual(['b2', 'c3']);
  });

  test('removes what has ended, and what its time is over for; never what runs', async () => {
    expect(await inTransaction(async (tx) => await store.remove(tx, 'b2'))).toBe(false);
    expect(await inTransaction(async (tx) => await store.removeExpired(tx, 9))).toEqual([]);
    expect(await inTransaction(async (tx) => await store.removeExpired(tx, 10))).toEqual(['a1']);
    await inTransaction(async (tx) => await store.end(tx, 'b2', end));
    expect(await inTransaction(async (tx) => await store.remove(tx, 'b2'))).toBe(true);
    expect(await store.find('b2')).toBeUndefined();
    expect(await store.find('c3')).toBeDefined();
    // The rest of this file has no thread for it.
    await inTransaction(async (tx) => await store.end(tx, 'c3', end));
  });
});
