import { sql } from 'kysely';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type TestDatabase, databaseKinds, openTestDatabase } from '../../../test-support/database.ts';
import { isUniqueViolation } from './database-error.ts';

type Tables = {
  setting: { key: string; value: string };
  membership: { actor: string; team: string; role: string; source: string; created_at: number };
  team: { name: string; created_at: number };
  object: { digest: string; size: number; state: string; touched_at: number };
};

describe.each(databaseKinds)('database on %s', (kind) => {
  let opened: TestDatabase;

  beforeEach(async () => {
    opened = await openTestDatabase(kind);
  });
  afterEach(async () => {
    await opened.close();
  });

  const put = (key: string, value: unknown = 'v') =>
    opened.database.inTransaction(async (tx) => {
      await tx
        .withTables<Tables>()
        .insertInto('setting')
        .values({ key, value: value as string })
        .execute();
      return key;
    });
  const keys = async (): Promise<string[]> => {
    const rows = await opened.database.reader
      .withTables<Tables>()
      .selectFrom('setting')
      .select('key')
      .orderBy('key')
      .execute();
    return rows.map((row) => row.key);
  };

  test('a transaction gives its result and is visible to readers afterwards', async () => {
    expect(await put('a')).toBe('a');
    expect(await keys()).toEqual(['a']);
    expect(await opened.database.isHealthy()).toBe(true);
  });

  test('a transaction that throws leaves nothing, and the others of its group stay', async () => {
    const results = await Promise.allSettled(
      Array.from({ length: 20 }, (_, i) =>
        opened.database.inTransaction(async (tx) => {
          await tx
            .withTables<Tables>()
            .insertInto('setting')
            .values({ key: `k${String(i).padStart(2, '0')}`, value: '' })
            .execute();
          if (i % 3 === 0) throw new Error(`no ${i}`);
        }),
      ),
    );
    expect(results.map((result) => result.status === 'fulfilled')).toEqual(results.map((_, i) => i % 3 !== 0));
    expect(await keys()).toEqual(results.flatMap((_, i) => (i % 3 === 0 ? [] : [`k${String(i).padStart(2, '0')}`])));
  });

  test('a duplicate is a unique_violation that names the table', async () => {
    await put('a');
    const error = await put('a').catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: 'unique_violation', details: { table: 'setting' } });
    expect(isUniqueViolation(error, 'setting')).toBe(true);
    expect(isUniqueViolation(error, 'team')).toBe(false);
  });

  test('a missing parent is a reference_violation', async () => {
    const row = { actor: 'nobody', team: 'none', role: 'viewer', source: 'local', created_at: 1 };
    await expect(
      opened.database.inTransaction((tx) => tx.withTables<Tables>().insertInto('membership').values(row).execute()),
    ).rejects.toMatchObject({ code: 'reference_violation' });
  });

  test('what one database would bend is refused on both', async () => {
    for (const value of [new Date(0), true, { a: 1 }, Number.NaN, 2 ** 60]) {
      await expect(put('x', value)).rejects.toThrow(/parameter 1/);
    }
    await expect(put('x', 'a\0b')).rejects.toMatchObject({ code: 'invalid_request' });
    await expect(put('x', '\ud800')).rejects.toMatchObject({ code: 'invalid_request' });
    expect(await keys()).toEqual([]);
  });

  test('integers come back as numbers up to 2^53, and text as it was', async () => {
    const text = 'Grüße 🦔 \u0001 " \\ \n';
    const touchedAt = Number.MAX_SAFE_INTEGER;
    await opened.database.inTransaction(async (tx) => {
      await tx
        .withTables<Tables>()
        .insertInto('object')
        .values({ digest: 'd', size: 7, state: 'stored', touched_at: touchedAt })
        .execute();
    });
    await put('t', text);
    const reader = opened.database.reader.withTables<Tables>();
    expect(await reader.selectFrom('object').select(['size', 'touched_at']).executeTakeFirst()).toEqual({
      size: 7,
      touched_at: touchedAt,
    });
    expect(await reader.selectFrom('setting').select('value').executeTakeFirst()).toEqual({ value: text });
  });

  test('text is ordered by its bytes', async () => {
    for (const key of ['b', 'A', 'a', 'Z', 'ä', '_']) await put(key);
    expect(await keys()).toEqual(['A', 'Z', '_', 'a', 'b', 'ä']);
  });

  test('concurrent changes of one row under a row lock are never lost', async () => {
    await put('counter', '0');
    await Promise.all(
      Array.from({ length: 25 }, () =>
        opened.database.inTransaction(async (tx) => {
          const db = tx.withTables<Tables>();
          const row = await db
            .selectFrom('setting')
            .select('value')
            .where('key', '=', 'counter')
            .forUpdate()
            .executeTakeFirstOrThrow();
          await db
            .updateTable('setting')
            .set({ value: String(Number(row.value) + 1) })
            .where('key', '=', 'counter')
            .execute();
        }),
      ),
    );
    const row = await opened.database.reader
      .withTables<Tables>()
      .selectFrom('setting')
      .select('value')
      .executeTakeFirstOrThrow();
    expect(row.value).toBe('25');
  });

  test('a transaction that is used after its end is refused', async () => {
    const leaked = await opened.database.inTransaction(async (tx) => tx.withTables<Tables>());
    await expect(leaked.selectFrom('setting').selectAll().execute()).rejects.toThrow('committed');
  });

  test('versions of models and ledger entries can not be changed', async () => {
    const change = (text: string) => opened.database.inTransaction((tx) => sql.raw(text).execute(tx));
    await change(
      `insert into ledger_entry (seq, at, actor_id, action, subject_kind, subject_id, team_id, body, leaf) values (0, 1, 'a', 'b', 'c', 'd', null, '{}', ${kind === 'sqlite' ? "x'00'" : String.raw`'\x00'`})`,
    );
    await expect(change('update ledger_entry set at = 2')).rejects.toThrow('the ledger only grows');
    await expect(change('delete from ledger_entry')).rejects.toThrow('the ledger only grows');
    await change(`insert into team (name, created_at) values ('t', 1)`);
    await change(`insert into object values ('d', 1, 'stored', 1)`);
    await change(`insert into model values ('m', 'm', 'm', 't', '', '{}', 1, 1, 'a')`);
    await change(
      `insert into model_version values ('v', 'm', 1, 'onnx', 'd', 1, '{}', '{}', null, '', '{}', 1, 'a', null)`,
    );
    await expect(change(`update model_version set digest = 'd'`)).rejects.toThrow('a version never changes');
    await expect(change(`update model_version set lineage = '{}'`)).rejects.toThrow('a version never changes');
    await change(`update model_version set description = 'a note'`);
  });
});
