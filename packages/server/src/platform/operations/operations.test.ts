import { type Operation } from '@muster-ml/protocol';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type TestDatabase, databaseKinds, openTestDatabase } from '../../../test-support/database.ts';
import { createIds, systemClock } from '../clock/index.ts';
import type { Database } from '../database/index.ts';
import { type Operations, createOperations } from './index.ts';

const wish = {
  kind: 'register-version',
  subject: 'model/fraud',
  team: 'default',
  createdBy: 'ana',
  input: { digest: 'd' },
} as const;

describe.each(databaseKinds)('operations on %s', (kind) => {
  let opened: TestDatabase;
  let database: Database;
  let operations: Operations;
  beforeAll(async () => {
    opened = await openTestDatabase(kind);
    database = opened.database;
    operations = createOperations({ database, clock: systemClock, newId: createIds(systemClock) });
  });
  afterAll(async () => await opened.close());

  const create = async (): Promise<Operation> =>
    await database.inTransaction(async (tx) => await operations.create(tx, wish));

  async function watched(id: string): Promise<Operation[]> {
    const seen: Operation[] = [];
    for await (const operation of operations.watch(id, AbortSignal.timeout(5000))) seen.push(operation);
    return seen;
  }

  it('ends with the result of its work, and a watcher sees it', async () => {
    const { id } = await create();
    const watching = watched(id);
    operations.run(id, async (handle) => {
      handle.progress('reading');
      return { version: 3 };
    });
    expect((await watching).at(-1)).toMatchObject({ id, state: 'succeeded', result: { version: 3 }, problem: null });
  });

  it('ends as failed with the problem that its work threw', async () => {
    const { id } = await create();
    operations.run(id, async () => await Promise.reject(new Error('secret detail')));
    const last = (await watched(id)).at(-1);
    expect(last).toMatchObject({ state: 'failed', problem: { code: 'internal_error' } });
    expect(JSON.stringify(last)).not.toContain('secret detail');
  });

  it('aborts its work when it is cancelled', async () => {
    const { id } = await create();
    operations.run(
      id,
      async ({ signal }) =>
        await new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(new Error('stopped')))),
    );
    expect(await operations.cancel(id)).toMatchObject({ state: 'cancelled', problem: { code: 'operation_cancelled' } });
  });

  it('keeps an end: finishing twice changes nothing', async () => {
    const { id } = await create();
    await database.inTransaction(
      async (tx) => await operations.finish(tx, id, { state: 'succeeded', result: { a: 1 } }),
    );
    await database.inTransaction(
      async (tx) => await operations.finish(tx, id, { state: 'succeeded', result: { a: 2 } }),
    );
    expect((await operations.get(id)).operation.result).toEqual({ a: 1 });
  });

  it('finds what a restart interrupted, with its input', async () => {
    const { id } = await create();
    const restarted = createOperations({ database, clock: systemClock, newId: createIds(systemClock) });
    const interrupted = await restarted.interrupted('register-version');
    expect(interrupted.find(({ operation }) => operation.id === id)).toMatchObject({
      team: 'default',
      input: { digest: 'd' },
    });
  });

  it('ends every watch when the process drains, and what was aborted stays to be taken up again', async () => {
    const { id } = await create();
    const own = createOperations({ database, clock: systemClock, newId: createIds(systemClock) });
    own.run(id, async ({ signal }) => {
      await new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(new Error('stopped'))));
      return {};
    });
    const seen: string[] = [];
    const watching = (async () => {
      for await (const operation of own.watch(id, AbortSignal.timeout(5000))) {
        seen.push(operation.state);
        void own.drain();
      }
    })();
    await watching;
    expect(seen).toEqual(['running']);
    expect((await operations.get(id)).operation.state).toBe('running');
  });

  it('names an operation that does not exist', async () => {
    await expect(operations.get('nope')).rejects.toMatchObject({ code: 'operation_not_found' });
  });
});
