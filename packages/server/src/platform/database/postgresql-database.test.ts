import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { sql } from 'kysely';
import { type PostgresqlServer, startPostgresql } from '../../../test-support/postgresql-server.ts';
import { openDatabase } from './open-database.ts';

type Tables = { setting: { key: string; value: string } };

const open = (url: string) => openDatabase({ url, onFatal: () => {} });

describe('PostgreSQL', () => {
  let server: PostgresqlServer;

  beforeAll(async () => {
    server = await startPostgresql();
  });
  afterAll(async () => {
    await server.stop();
  });

  const create = async (name: string, more = ''): Promise<string> => {
    await server.execute(`create database ${name} ${more}`);
    return server.url(name);
  };

  test('several processes that start together migrate once', async () => {
    const url = await create('together');
    const opened = await Promise.all([open(url), open(url), open(url)]);
    for (const database of opened) expect(await database.isHealthy()).toBe(true);
    await Promise.all(opened.map((database) => database.close()));
  });

  test('a server that would lose what it acknowledged is refused', async () => {
    const unfit = await startPostgresql(['fsync=off']);
    await expect(open(unfit.url('postgres'))).rejects.toMatchObject({ message: 'PostgreSQL runs with fsync=off' });
    await unfit.stop();
    const url = await create('careless');
    await server.execute('alter database careless set synchronous_commit = off');
    await expect(open(url)).rejects.toMatchObject({ code: 'invalid_configuration' });
  });

  test('a database of another encoding is refused', async () => {
    const url = await create('latin', `encoding 'LATIN1' template template0`);
    await expect(open(url)).rejects.toMatchObject({
      code: 'invalid_configuration',
      message: expect.stringContaining('LATIN1') as string,
    });
  });

  test('a server that is not there is storage_unavailable', async () => {
    await expect(open('postgres://muster@127.0.0.1:1/none')).rejects.toMatchObject({ code: 'storage_unavailable' });
  });

  test('sessions have limits, so that no statement, lock or idle transaction hangs for ever', async () => {
    const database = await open(await create('limits'));
    const { rows } = await sql<{ name: string; setting: string }>`
      select name, setting from pg_settings
      where name in ('statement_timeout', 'lock_timeout', 'idle_in_transaction_session_timeout') order by name
    `.execute(database.reader);
    expect(rows.map((row) => row.setting)).toEqual(['15000', '5000', '30000']);
    await database.close();
  });

  test('transactions that deadlock are repeated until both are done', async () => {
    const database = await open(await create('deadlock'));
    await database.inTransaction(async (tx) => {
      await tx
        .withTables<Tables>()
        .insertInto('setting')
        .values([
          { key: 'a', value: '' },
          { key: 'b', value: '' },
        ])
        .execute();
    });
    const both = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    let attempts = 0;
    const lock = (own: number, keys: readonly string[]) =>
      database.inTransaction(async (tx) => {
        attempts++;
        for (const key of keys) {
          await sql`update setting set value = value || ${key} where "key" = ${key}`.execute(tx);
          both[own]?.resolve();
          await both[1 - own]?.promise;
        }
      });
    await Promise.all([lock(0, ['a', 'b']), lock(1, ['b', 'a'])]);
    expect(attempts).toBe(3);
    const rows = await database.reader.withTables<Tables>().selectFrom('setting').selectAll().orderBy('key').execute();
    expect(rows).toEqual([
      { key: 'a', value: 'aa' },
      { key: 'b', value: 'bb' },
    ]);
    await database.close();
  });

  test('a connection that is lost at the commit leaves the outcome unknown, and says so', async () => {
    const database = await open(await create('lost'));
    const lost = database.inTransaction(async (tx) => {
      await tx.withTables<Tables>().insertInto('setting').values({ key: 'a', value: '' }).execute();
      const { rows } = await sql<{ pid: number }>`select pg_backend_pid() as pid`.execute(tx);
      await server.execute(`select pg_terminate_backend(${rows[0]?.pid})`);
    });
    await expect(lost).rejects.toMatchObject({ code: 'storage_unavailable', details: { outcome: 'unknown' } });
    expect(await database.isHealthy()).toBe(true);
    await database.close();
  });
});
