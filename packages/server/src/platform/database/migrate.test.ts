import { createHash } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { Kysely } from 'kysely';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { openTestDatabase } from '../../../test-support/database.ts';
import { type MigrationFile, migrate, readMigrations } from './migrate.ts';
import { statementsOf } from './migration-sql.ts';
import { openDatabase } from './open-database.ts';
import { createSqliteDialect, wholeTransactions } from './sqlite-dialect.ts';

const fileOf = (name: string, text: string): MigrationFile => ({
  name,
  text,
  digest: createHash('sha256').update(text).digest('hex'),
});
const first = fileOf('0001-a', 'create table a (\n  id bigint not null\n);\n');
const second = fileOf('0002-b', 'create table b (\n  id bigint not null\n);\n');

describe('the common SQL', () => {
  const text = [
    '-- a comment',
    'create table t (',
    '  id text COLLATE "C" not null primary key,',
    '  n bigint not null check (n in (0, 1)),',
    '  x double precision,',
    '  b bytea',
    ');',
    '',
    'create index t_by_n on t (n);',
    '-- only sqlite',
    'create trigger u before update on t begin',
    "  select raise(abort, 'no');",
    'end;',
    '-- end only',
    '-- only postgresql',
    'create function f() returns trigger language plpgsql as $$ begin',
    '  return null;',
    'end; $$;',
    '-- end only',
    '',
  ].join('\n');

  test('is translated for SQLite, tables strict', () => {
    expect(statementsOf(text, 'sqlite')).toEqual([
      'create table t (\n  id text not null primary key,\n  n INTEGER not null check (n in (0, 1)),\n  x REAL,\n  b BLOB\n) STRICT;',
      'create index t_by_n on t (n);',
      "create trigger u before update on t begin\n  select raise(abort, 'no');\nend;",
    ]);
  });

  test('is left as it is for PostgreSQL', () => {
    const [table, index, code] = statementsOf(text, 'postgresql');
    expect(table).toContain('id text COLLATE "C" not null');
    expect(index).toBe('create index t_by_n on t (n);');
    expect(code).toContain('return null;\nend; $$;');
  });

  test('a file that ends within a statement is a mistake', () => {
    expect(() => statementsOf('create table t (id text)', 'sqlite')).toThrow('in the middle');
    expect(() => statementsOf('-- only sqlite\nselect 1;', 'sqlite')).toThrow('in the middle');
  });
});

describe('migrations', () => {
  let db: DatabaseSync;
  let kysely: Kysely<unknown>;

  beforeEach(() => {
    db = new DatabaseSync(':memory:');
    kysely = new Kysely<unknown>({ dialect: createSqliteDialect(db, wholeTransactions) });
  });
  afterEach(() => {
    db.close();
  });

  const tables = (): unknown[] =>
    db
      .prepare(`select name from sqlite_schema where type = 'table' and name in ('a', 'b') order by name`)
      .all()
      .map((row) => row.name);

  test('run once each, in order, also when some have run before', async () => {
    await migrate(kysely, 'sqlite', [first]);
    expect(tables()).toEqual(['a']);
    await migrate(kysely, 'sqlite', [first, second]);
    await migrate(kysely, 'sqlite', [first, second]);
    expect(tables()).toEqual(['a', 'b']);
  });

  test('a schema that a newer Muster made is refused', async () => {
    await migrate(kysely, 'sqlite', [first, second]);
    await expect(migrate(kysely, 'sqlite', [first])).rejects.toMatchObject({
      code: 'schema_mismatch',
      message: expect.stringContaining('0002-b') as string,
    });
  });

  test('a migration that was edited after it ran is refused, and nothing else runs', async () => {
    await migrate(kysely, 'sqlite', [first]);
    const edited = fileOf('0001-a', first.text.replace('not null', ''));
    await expect(migrate(kysely, 'sqlite', [edited, second])).rejects.toMatchObject({ code: 'schema_mismatch' });
    expect(tables()).toEqual(['a']);
  });

  test('one that fails leaves nothing of any that ran with it', async () => {
    const broken = fileOf('0002-b', 'create table b (\n  id bigint\n);\ncreate table a (\n  id bigint\n);\n');
    await expect(migrate(kysely, 'sqlite', [first, broken])).rejects.toThrow('already exists');
    expect(tables()).toEqual([]);
  });

  test('the files of the package have numbers without gaps', () => {
    const numbers = readMigrations().map((file) => Number(file.name.slice(0, 4)));
    expect(numbers).toEqual(numbers.map((_, index) => index + 1));
  });
});

test('a second process that opens the same file is refused', async () => {
  const opened = await openTestDatabase('sqlite');
  if (!('file' in opened.address)) throw new Error('no file');
  await expect(openDatabase({ ...opened.address, onFatal: () => {} })).rejects.toMatchObject({
    code: 'data_dir_in_use',
  });
  await opened.close();
});

test('a database stays what it was over a restart', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'muster-db-'));
  const options = { file: join(folder, 'deep', 'muster.db'), onFatal: () => {} };
  try {
    const one = await openDatabase(options);
    await one.inTransaction(async (tx) => {
      await tx
        .withTables<{ setting: { key: string; value: string } }>()
        .insertInto('setting')
        .values({ key: 'k', value: 'v' })
        .execute();
    });
    await one.close();
    const other = await openDatabase(options);
    const rows = other.reader
      .withTables<{ setting: { key: string; value: string } }>()
      .selectFrom('setting')
      .selectAll();
    expect(await rows.execute()).toEqual([{ key: 'k', value: 'v' }]);
    await other.close();
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});
