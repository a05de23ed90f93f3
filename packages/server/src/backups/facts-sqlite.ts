import type { DatabaseSync } from 'node:sqlite';
import type { DatabaseFacts } from '@muster-ml/protocol';

/**
 * What a SQLite database holds besides its ledger, read without Kysely: it may have an older or a newer schema than this
 * program's.
 */
export function readSqliteFacts(db: DatabaseSync): Omit<DatabaseFacts, 'ledger'> {
  const names = textsOf(
    db,
    "select name from sqlite_schema where type = 'table' and name not like 'sqlite\\_%' escape '\\' order by name",
  );
  const tables = Object.fromEntries(
    names.map((name) => [
      name,
      Number(db.prepare(`select count(*) as count from "${name.replaceAll('"', '""')}"`).get()?.['count']),
    ]),
  );
  const objects = db.prepare("select digest, size from object where state = 'stored' order by digest").all();
  return {
    migrations: textsOf(db, 'select name from schema_migration order by name'),
    tables,
    objects: objects.map(({ digest, size }) => ({ digest: String(digest), sizeBytes: Number(size) })),
  };
}

/**
 * Everything that SQLite itself finds wrong with a file, at most ten sentences: its pages and indexes, and rows that
 * refer to rows which are not there.
 */
export function findSqliteFaults(db: DatabaseSync): readonly string[] {
  const pages = db.prepare('pragma integrity_check(10)').all();
  const faults = pages.map((row) => String(row['integrity_check'])).filter((text) => text !== 'ok');
  const strays = db.prepare('pragma foreign_key_check').all().slice(0, 10);
  return [
    ...faults,
    ...strays.map(
      (row) => `a row of ${String(row['table'])} refers to a row of ${String(row['parent'])} that is not there`,
    ),
  ].slice(0, 10);
}

function textsOf(db: DatabaseSync, query: string): string[] {
  return db
    .prepare(query)
    .all()
    .map((row) => String(row['name']));
}
