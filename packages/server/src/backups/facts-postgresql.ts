import type { DatabaseFacts } from '@muster-ml/protocol';
import type pg from 'pg';
import { createLedgerFold } from './ledger-fold.ts';

/** Entries that are read at once. */
const pageRows = 2_000;

/** What a PostgreSQL database holds, as of the transaction of the connection; read without Kysely, as its twin for SQLite. */
export async function readPostgresqlFacts(client: pg.Client): Promise<DatabaseFacts> {
  const names = await textsOf(
    client,
    "select c.relname as name from pg_class c where c.relkind in ('r', 'p') and c.relnamespace = current_schema()::regnamespace order by c.relname",
  );
  const tables: Record<string, number> = {};
  for (const name of names) {
    const { rows } = await client.query<{ count: string }>(
      `select count(*) as count from "${name.replaceAll('"', '""')}"`,
    );
    tables[name] = Number(rows[0]?.count);
  }
  const objects = await client.query<{ digest: string; size: string }>(
    "select digest, size from object where state = 'stored' order by digest",
  );
  return {
    migrations: await textsOf(client, 'select name from schema_migration order by name'),
    tables,
    objects: objects.rows.map(({ digest, size }) => ({ digest, sizeBytes: Number(size) })),
    ledger: await foldLedger(client),
  };
}

async function foldLedger(client: pg.Client): Promise<DatabaseFacts['ledger']> {
  const fold = createLedgerFold();
  for (let after = '-1'; ;) {
    const { rows } = await client.query<{ seq: string; body: string; leaf: Buffer }>(
      'select seq, body, leaf from ledger_entry where seq > $1 order by seq limit $2',
      [after, pageRows],
    );
    for (const { seq, body, leaf } of rows) fold.add({ seq: Number(seq), body, leaf });
    const last = rows.at(-1);
    if (last === undefined) return fold.end();
    after = last.seq;
  }
}

async function textsOf(client: pg.Client, query: string): Promise<string[]> {
  const { rows } = await client.query<{ name: string }>(query);
  return rows.map(({ name }) => name);
}
