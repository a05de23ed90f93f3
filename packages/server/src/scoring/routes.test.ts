import type { Operation, Score } from '@muster-ml/protocol';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type TestDatabase, openTestDatabase } from '../../test-support/database.ts';
import { callerIn, maker } from '../../test-support/registry.ts';
import { type ScoringRoom, openScoringRoom } from '../../test-support/scoring-room.ts';
import { type TestApi, codeOf, openTestApi } from '../../test-support/test-api.ts';
import type { Caller } from '../identity/index.ts';
import { systemClock } from '../platform/clock/index.ts';
import { createIdempotency } from '../platform/http/index.ts';
import { scoringRoutes } from './index.ts';

const callers: Readonly<Record<string, Caller>> = {
  alice: callerIn({ default: maker }),
  rita: callerIn({ default: ['viewer'] }, 'rita'),
  dora: callerIn({ default: ['data-scientist'] }, 'dora'),
  sam: callerIn({ other: maker }, 'sam'),
};

/** The room's routes as clients meet them: status and the code of each refusal. */
describe('the routes of scores', () => {
  let opened: TestDatabase;
  let room: ScoringRoom;
  let api: TestApi;
  let digest: string;
  let score: Score;

  beforeAll(async () => {
    opened = await openTestDatabase('sqlite');
    room = await openScoringRoom(opened.database);
    const idempotency = createIdempotency({ database: opened.database, clock: systemClock });
    api = openTestApi(callers, scoringRoutes(room.scoring), idempotency);
    digest = await room.put('a,b\n1,2\nx,2\n3,4\n5,6\n');
    const started = await call('POST', '/endpoints/sums/scores', { digest, format: 'csv' });
    await room.ended(started.json<Operation>());
    score = (await call('GET', '/endpoints/sums/scores')).json<{ items: [Score] }>().items[0];
  });
  afterAll(async () => {
    await api.close();
    await room.close();
    await opened.close();
  });

  const call = async (...given: Parameters<TestApi['call']>) => await api.call(...given);

  it('answer 202 with an operation, the same one for the same key', async () => {
    const wish = { digest, format: 'csv' };
    const first = await call('POST', '/endpoints/sums/scores', wish, { 'idempotency-key': 'k1' });
    expect(first.statusCode).toBe(202);
    expect(first.headers.location).toBe(`/api/v1/operations/${first.json<Operation>().id}`);
    const again = await call('POST', '/endpoints/sums/scores', wish, { 'idempotency-key': 'k1' });
    expect(again.json<Operation>().id).toBe(first.json<Operation>().id);
    await room.ended(first.json<Operation>());
  });

  it('answer 200 with the score, its result and its errors', async () => {
    expect((await call('GET', `/scores/${score.id}`)).json()).toMatchObject({
      state: 'succeeded',
      model: 'm',
      version: 3,
    });
    const result = await call('GET', `/scores/${score.id}/result`);
    expect([result.statusCode, result.headers.etag, result.body]).toEqual([
      200,
      `"${score.result?.digest}"`,
      'row,sum\n0,3\n2,7\n3,11\n',
    ]);
    expect(result.headers['content-disposition']).toContain(`sums-${score.id}.csv`);
    const errors = await call('GET', `/scores/${score.id}/errors`);
    expect(JSON.parse(errors.body)).toEqual({ row: 1, column: 'a', reason: 'is not a number in the range of FP64' });
  });

  it('leave an entry for each table that somebody reads', async () => {
    const reads = () => room.entries.filter(({ action }) => action === 'score.read');
    const before = reads().length;
    await call('GET', `/scores/${score.id}`);
    expect(reads()).toHaveLength(before);
    await call('GET', `/scores/${score.id}/result`);
    await call('GET', `/scores/${score.id}/errors`);
    expect(reads().slice(before)).toMatchObject([
      { actor: { id: 'alice' }, ctx: { score: score.id, table: 'result', digest: score.result?.digest } },
      { actor: { id: 'alice' }, ctx: { score: score.id, table: 'errors' } },
    ]);
  });

  it('page through the scores of an endpoint, newest first', async () => {
    const first = (await call('GET', '/endpoints/sums/scores?limit=1')).json<{ items: Score[]; next: string }>();
    const second = (await call('GET', `/endpoints/sums/scores?limit=1&after=${first.next}`)).json<{ items: Score[] }>();
    expect(first.items).toHaveLength(1);
    expect((second.items[0]?.id ?? '') < (first.items[0]?.id ?? '')).toBe(true);
  });

  it('answer 400 to a wish that is none, and to an output that is not there', async () => {
    const wish = { digest, format: 'csv' };
    expect((await call('POST', '/endpoints/sums/scores', { ...wish, format: 'xlsx' })).statusCode).toBe(400);
    expect((await call('POST', '/endpoints/sums/scores', { ...wish, csv: { delimiter: 'x' } })).statusCode).toBe(400);
    expect(await codeOf(call('POST', '/endpoints/sums/scores', { ...wish, outputs: ['sums'] }))).toEqual([
      400,
      'unknown_output',
    ]);
  });

  it('answer 401 without a token and 403 to who may only read', async () => {
    const nobody = { authorization: '' };
    expect((await call('GET', `/scores/${score.id}`, undefined, nobody)).statusCode).toBe(401);
    const rita = { authorization: 'rita' };
    expect(await codeOf(call('POST', '/endpoints/sums/scores', { digest, format: 'csv' }, rita))).toEqual([
      403,
      'not_allowed',
    ]);
    expect((await call('GET', `/endpoints/sums/scores`, undefined, rita)).statusCode).toBe(403);
    // Scores are somebody’s data: who may not read them sees none. Who may, removes only their own.
    expect((await call('GET', `/scores/${score.id}`, undefined, rita)).statusCode).toBe(404);
    const dora = { authorization: 'dora' };
    expect((await call('GET', `/scores/${score.id}`, undefined, dora)).statusCode).toBe(200);
    expect(await codeOf(call('DELETE', `/scores/${score.id}`, undefined, dora))).toEqual([403, 'not_allowed']);
  });

  it('answer 404 to what is not there, or not for the caller', async () => {
    const sam = { authorization: 'sam' };
    for (const path of ['', '/result', '/errors'])
      expect(await codeOf(call('GET', `/scores/${score.id}${path}`, undefined, sam))).toEqual([404, 'score_not_found']);
    expect(await codeOf(call('DELETE', `/scores/${score.id}`, undefined, sam))).toEqual([404, 'score_not_found']);
    expect(await codeOf(call('GET', '/scores/none'))).toEqual([404, 'score_not_found']);
    expect(await codeOf(call('POST', '/endpoints/none/scores', { digest, format: 'csv' }))).toEqual([
      404,
      'endpoint_not_found',
    ]);
    const unknown = { digest: 'a'.repeat(64), format: 'csv' };
    expect(await codeOf(call('POST', '/endpoints/sums/scores', unknown))).toEqual([404, 'object_not_found']);
  });

  it('answer 503 where nothing has the role', async () => {
    const wish = { digest, format: 'csv', role: 'canary' };
    expect(await codeOf(call('POST', '/endpoints/sums/scores', wish))).toEqual([503, 'endpoint_not_ready']);
  });

  it('refuse the result of a score that failed', async () => {
    const table = await room.put('a,c\n1,2\n');
    const started = await call('POST', '/endpoints/sums/scores', { digest: table, format: 'csv' });
    await room.ended(started.json<Operation>());
    const [failed] = (await call('GET', '/endpoints/sums/scores?limit=1')).json<{ items: Score[] }>().items;
    expect(failed).toMatchObject({ state: 'failed', problem: { code: 'columns_missing' } });
    expect((await codeOf(call('GET', `/scores/${failed?.id}/result`)))[1]).toBe('score_not_finished');
  });

  it('answer 204 when a score is removed, which is then gone', async () => {
    const started = await call('POST', '/endpoints/sums/scores', { digest, format: 'csv' });
    await room.ended(started.json<Operation>());
    const [last] = (await call('GET', '/endpoints/sums/scores?limit=1')).json<{ items: Score[] }>().items;
    expect((await call('DELETE', `/scores/${last?.id}`)).statusCode).toBe(204);
    expect(await codeOf(call('GET', `/scores/${last?.id}`))).toEqual([404, 'score_not_found']);
  });
});
