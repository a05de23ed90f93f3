import { mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { openDatabase } from './open-database.ts';
import { lockSqliteFile, openSqliteReader, openSqliteWriter } from './sqlite-file.ts';

describe('the file of the embedded database', () => {
  let folder: string;
  let file: string;

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'muster-file-'));
    file = join(folder, 'muster.db');
  });
  afterEach(async () => {
    await rm(folder, { recursive: true, force: true });
  });

  test('is durable at every commit, checks foreign keys and can shrink', () => {
    const db = openSqliteWriter(file);
    const pragma = (name: string): unknown => Object.values(db.prepare(`PRAGMA ${name}`).get() ?? {})[0];
    expect({
      journal: pragma('journal_mode'),
      synchronous: pragma('synchronous'), // FULL
      foreignKeys: pragma('foreign_keys'),
      autoVacuum: pragma('auto_vacuum'), // INCREMENTAL
      mmap: pragma('mmap_size'),
      checkpoint: pragma('wal_autocheckpoint'),
    }).toEqual({ journal: 'wal', synchronous: 2, foreignKeys: 1, autoVacuum: 2, mmap: 0, checkpoint: 0 });
    db.close();
  });

  test('a reader can not write', () => {
    const db = openSqliteWriter(file);
    db.exec('create table t (id integer)');
    const reader = openSqliteReader(file);
    expect(() => reader.exec('insert into t values (1)')).toThrow('readonly');
    reader.close();
    db.close();
  });

  test('one process writes it, and the next may once it is let go', () => {
    const unlock = lockSqliteFile(file);
    expect(() => lockSqliteFile(file)).toThrow(expect.objectContaining({ code: 'data_dir_in_use' }));
    unlock();
    lockSqliteFile(file)();
  });

  test('what is committed moves from the log into the file without the writer', async () => {
    const database = await openDatabase({ file, onFatal: () => {} });
    const before = (await stat(file)).size;
    const value = 'x'.repeat(100_000);
    await Promise.all(
      Array.from({ length: 100 }, (_, index) =>
        database.inTransaction(async (tx) => {
          const settings = tx.withTables<{ setting: { key: string; value: string } }>().insertInto('setting');
          await settings.values({ key: String(index), value }).execute();
        }),
      ),
    );
    await expect.poll(async () => (await stat(file)).size - before, { timeout: 20_000 }).toBeGreaterThan(5_000_000);
    await database.close();
  });
});
