import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { DatabaseSync } from 'node:sqlite';
import type { MusterError } from '@muster-ml/protocol';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Tx } from './database.ts';
import { GroupCommit } from './group-commit.ts';
import { openSqliteReader, openSqliteWriter } from './sqlite-file.ts';

type Tables = { t: { id: number } };

describe('group commit', () => {
  let folder: string;
  let db: DatabaseSync;
  let reader: DatabaseSync;
  let commits: number;
  let fatal: MusterError[];
  let group: GroupCommit;
  let onCommit: () => void;

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'muster-group-'));
    db = openSqliteWriter(join(folder, 'a.db'));
    db.exec('create table t (id integer primary key) strict');
    reader = openSqliteReader(join(folder, 'a.db'));
    commits = 0;
    fatal = [];
    onCommit = () => {};
    // Slow machines too: time never ends a group, and a wait is told from work soon.
    group = new GroupCommit({
      db,
      limits: { groupMs: 10_000, waitMs: 100 },
      onFatal: (error) => fatal.push(error),
      crashPoint: (name) => {
        if (name !== 'database.before-commit') return;
        commits++;
        onCommit();
      },
    });
  });
  afterEach(async () => {
    await group.drain();
    reader.close();
    if (db.isOpen) db.close();
    await rm(folder, { recursive: true, force: true });
  });

  const insert = (id: number) =>
    group.inTransaction(async (tx) => {
      await tx.withTables<Tables>().insertInto('t').values({ id }).execute();
      return id;
    });
  const committed = (): unknown[] =>
    reader
      .prepare('select id from t order by id')
      .all()
      .map((row) => row.id);

  test('what waits together is committed together', async () => {
    await Promise.all(Array.from({ length: 20 }, (_, id) => insert(id)));
    expect(commits).toBe(1);
    expect(committed()).toHaveLength(20);
  });

  test('more than a group holds makes more groups, and the event loop runs between them', async () => {
    let turns = 0;
    const timer = setInterval(() => turns++, 0);
    await Promise.all(Array.from({ length: 2_000 }, (_, id) => insert(id)));
    clearInterval(timer);
    expect(commits).toBeGreaterThanOrEqual(2_000 / 256);
    expect(turns).toBeGreaterThan(1);
    expect(committed()).toHaveLength(2_000);
  });

  test('nobody is answered before the commit, neither with success nor with a refusal', async () => {
    const answered: string[] = [];
    onCommit = () => answered.push('commit');
    await Promise.allSettled([
      insert(1).then(() => answered.push('done')),
      insert(1).catch(() => answered.push('refused')),
    ]);
    expect(answered[0]).toBe('commit');
    expect(answered).toHaveLength(3);
  });

  test('transactions see those before them, in the order in which they were asked for', async () => {
    const counts = await Promise.all(
      Array.from({ length: 10 }, (_, id) =>
        group.inTransaction(async (tx) => {
          const rows = await tx.withTables<Tables>().selectFrom('t').selectAll().execute();
          await tx.withTables<Tables>().insertInto('t').values({ id }).execute();
          return rows.length;
        }),
      ),
    );
    expect(counts).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
  });

  test('a transaction that waits for something else is ended, and what it does later is refused', async () => {
    const gate = Promise.withResolvers<void>();
    let late: Promise<unknown> | undefined;
    const waiting = group.inTransaction(async (tx) => {
      await tx.withTables<Tables>().insertInto('t').values({ id: 1 }).execute();
      await gate.promise;
      late = tx.withTables<Tables>().insertInto('t').values({ id: 2 }).execute();
      await late;
    });
    const other = insert(3);
    await expect(waiting).rejects.toThrow('not its database');
    await other;
    const next = insert(4);
    gate.resolve();
    await next;
    await expect(late).rejects.toThrow('after its end');
    expect(committed()).toEqual([3, 4]);
  });

  test('a transaction within a transaction is refused, not a deadlock', async () => {
    await expect(group.inTransaction(async () => await insert(1))).rejects.toThrow('not its database');
  });

  test('where SQLite rolled everything back, the whole group is refused and the next one works', async () => {
    const rollBack = async (tx: Tx): Promise<void> => {
      await tx.withTables<Tables>().insertInto('t').values({ id: 2 }).execute();
      db.exec('ROLLBACK');
      throw new Error('database or disk is full');
    };
    const results = await Promise.allSettled([insert(1), group.inTransaction(rollBack), insert(3)]);
    expect(results[0]).toMatchObject({ status: 'rejected', reason: { code: 'storage_unavailable' } });
    expect(results[1]).toMatchObject({ status: 'rejected' });
    expect(results[2]).toMatchObject({ status: 'fulfilled' });
    expect(committed()).toEqual([3]);
    expect(fatal).toEqual([]);
  });

  test('a full disk refuses the change and the writer goes on', async () => {
    db.exec('PRAGMA max_page_count=4');
    const filled = group.inTransaction(async (tx) => {
      await tx.schema.createTable('big').addColumn('a', 'text').execute();
      await tx
        .withTables<{ big: { a: string } }>()
        .insertInto('big')
        .values({ a: 'x'.repeat(100_000) })
        .execute();
    });
    await expect(filled).rejects.toMatchObject({ code: 'disk_full' });
    db.exec('PRAGMA max_page_count=1000000');
    await insert(1);
    expect(committed()).toEqual([1]);
  });

  test('a disk that is full at the commit refuses the group, and the writer goes on', async () => {
    onCommit = () => {
      onCommit = () => {};
      throw Object.assign(new Error('database or disk is full'), { code: 'ERR_SQLITE_ERROR', errcode: 13 });
    };
    const results = await Promise.allSettled([insert(1), insert(2)]);
    expect(results).toMatchObject([{ reason: { code: 'disk_full' } }, { reason: { code: 'disk_full' } }]);
    expect(fatal).toEqual([]);
    await insert(3);
    expect(committed()).toEqual([3]);
  });

  test('a commit that fails rejects everybody, tells it once and ends the writer', async () => {
    onCommit = () => {
      throw Object.assign(new Error('disk I/O error'), { code: 'ERR_SQLITE_ERROR', errcode: 1034 });
    };
    const results = await Promise.allSettled([insert(1), insert(2)]);
    expect(results.map((result) => result.status)).toEqual(['rejected', 'rejected']);
    expect(results[0]).toMatchObject({ reason: { code: 'storage_unavailable', details: { outcome: 'unknown' } } });
    expect(fatal).toHaveLength(1);
    await expect(insert(3)).rejects.toMatchObject({ code: 'storage_unavailable' });
    expect(group.isWorking).toBe(false);
    db.exec('ROLLBACK');
  });

  test('draining commits what waits and refuses what comes later', async () => {
    const waiting = [insert(1), insert(2)];
    const drained = group.drain();
    await expect(insert(3)).rejects.toMatchObject({ code: 'storage_unavailable' });
    await drained;
    expect(await Promise.all(waiting)).toEqual([1, 2]);
  });

  test('another process that holds the lock for a moment is waited for', async () => {
    const other = openSqliteWriter(join(folder, 'a.db'));
    other.exec('BEGIN IMMEDIATE');
    const waiting = insert(1);
    setImmediate(() => setImmediate(() => other.exec('COMMIT')));
    expect(await waiting).toBe(1);
    other.close();
  });
});
