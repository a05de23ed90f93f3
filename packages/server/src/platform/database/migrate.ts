import { createHash } from 'node:crypto';
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { MusterError } from '@muster-ml/protocol';
import { type Kysely, sql } from 'kysely';
import { type Migration, Migrator } from 'kysely/migration';
import type { Database } from './database.ts';
import { toDatabaseError } from './database-error.ts';
import { statementsOf } from './migration-sql.ts';

/** One numbered file of packages/server/sql. */
export interface MigrationFile {
  /** File name without `.sql`. */
  readonly name: string;
  readonly text: string;
  /** SHA-256 of the text, hexadecimal. */
  readonly digest: string;
}

type SchemaTables = {
  schema_migration: { name: string; digest: string };
};

/**
 * Brings the database to this program's schema, or changes nothing. Of several processes that start together one
 * migrates and the others wait. Throws `schema_mismatch` where the database was written by a newer Muster or a
 * migration that has run was edited since.
 */
export async function migrate(
  database: Kysely<unknown>,
  kind: Database['kind'],
  files: readonly MigrationFile[] = readMigrations(),
): Promise<void> {
  const db = database.withTables<SchemaTables>();
  await compare(db, files);
  const migrator = new Migrator({
    db,
    provider: {
      getMigrations: async () =>
        Object.fromEntries(files.map((file): [string, Migration] => [file.name, migrationOf(file, kind)])),
    },
  });
  const { error } = await migrator.migrateToLatest();
  if (error !== undefined) throw toDatabaseError(error);
  // Who waited for another process compares with what that one did.
  await compare(db, files);
}

function migrationOf(file: MigrationFile, kind: Database['kind']): Migration {
  return {
    up: async (tx: Kysely<unknown>) => {
      await sql`create table if not exists schema_migration (name text not null primary key, digest text not null)`.execute(
        tx,
      );
      for (const statement of statementsOf(file.text, kind)) await sql.raw(statement).execute(tx);
      await tx
        .withTables<SchemaTables>()
        .insertInto('schema_migration')
        .values({ name: file.name, digest: file.digest })
        .execute();
    },
  };
}

async function compare(db: Kysely<SchemaTables>, files: readonly MigrationFile[]): Promise<void> {
  const tables = await db.introspection.getTables();
  if (!tables.some((table) => table.name === 'schema_migration')) return;
  const known = new Map(files.map((file) => [file.name, file.digest]));
  for (const { name, digest } of await db.selectFrom('schema_migration').selectAll().orderBy('name').execute()) {
    const expected = known.get(name);
    if (expected === undefined) {
      throw new MusterError(
        'schema_mismatch',
        `the database was written by a newer Muster: it has the migration ${name}`,
      );
    }
    if (expected !== digest) {
      throw new MusterError('schema_mismatch', `the migration ${name} is not the one that the database was made with`);
    }
  }
}

/** The migrations of this program, in order. */
export function readMigrations(folder: string = migrationFolder()): readonly MigrationFile[] {
  const names = readdirSync(folder)
    .filter((name) => /^\d{4}-[a-z0-9-]+\.sql$/.test(name))
    .toSorted();
  return names.map((name) => {
    const text = readFileSync(join(folder, name), 'utf8');
    return { name: name.slice(0, -'.sql'.length), text, digest: createHash('sha256').update(text).digest('hex') };
  });
}

/** `sql/` of this package: the nearest one above this file, whether it runs from src, from dist or from an installation. */
function migrationFolder(): string {
  let folder = dirname(fileURLToPath(import.meta.url));
  while (!existsSync(join(folder, 'sql', '0001-foundation.sql'))) {
    const parent = dirname(folder);
    if (parent === folder) throw new Error('the migrations of the server are not there');
    folder = parent;
  }
  return join(folder, 'sql');
}
