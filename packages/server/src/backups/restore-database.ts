import { createReadStream } from 'node:fs';
import { rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { type BackupManifest, MusterError } from '@muster-ml/protocol';
import { type Database, openDatabase } from '../platform/database/index.ts';
import { syncFolder } from '../platform/objects/index.ts';
import { compareWithManifest } from './compare-facts.ts';
import { type Content, hashFile, writeDurably } from './durable-copy.ts';
import { readPostgresqlFacts } from './facts-postgresql.ts';
import { findSqliteFaults, readSqliteFacts } from './facts-sqlite.ts';
import { foldSqliteLedger } from './ledger-fold.ts';
import { damaged, sizeOf } from './manifest.ts';
import { libpqTarget, runPostgresqlTool } from './postgresql-tools.ts';
import { type PostgresqlSource, withClient } from './snapshot-postgresql.ts';

/** A database as the backup has it, checked, then brought to the schema of this version. */
export interface RestoredDatabase {
  readonly database: Database;
  /** Closes it and puts it in its place, as the last step: before, nothing would take it for a database of Muster. */
  settle(): Promise<void>;
  /** Closes it. */
  abandon(): Promise<void>;
}

/**
 * Restores the SQLite file of a backup beside where it will be. Throws `backup_damaged` where its bytes, its pages, its rows
 * or its ledger are not what the manifest says, and `schema_mismatch` for one of a newer Muster.
 */
export async function restoreSqlite(
  manifest: BackupManifest,
  file: string,
  dataDir: string,
): Promise<RestoredDatabase> {
  const staged = join(dataDir, 'muster.db.restoring');
  await expectSize(manifest, file);
  await writeDurably(staged, createReadStream(file), (content) => expectContent(manifest, file, content));
  const check = new DatabaseSync(staged);
  try {
    const [fault] = findSqliteFaults(check);
    if (fault !== undefined) throw damaged(file, `is not sound: ${fault}`);
    const facts = { ...readSqliteFacts(check), ledger: await foldSqliteLedger(check) };
    compareWithManifest(manifest.facts, facts, file);
  } finally {
    check.close();
  }
  const database = await openDatabase({ file: staged, onFatal: () => {} });
  return {
    database,
    async settle() {
      await database.close();
      // Closing moves all that is committed from the log into the file; what is left of it would be lost.
      if (((await sizeOf(`${staged}-wal`)) ?? 0) > 0)
        throw new MusterError('restore_failed', `${staged} could not be closed`, { place: staged });
      for (const end of ['.lock', '-wal', '-shm']) await rm(`${staged}${end}`, { force: true });
      await rename(staged, join(dataDir, 'muster.db'));
      await syncFolder(dirname(staged));
    },
    abandon: async () => await database.close(),
  };
}

/** Restores the dump of a backup into an empty PostgreSQL database. Throws as its twin does, and `restore_not_empty`. */
export async function restorePostgresql(
  manifest: BackupManifest,
  file: string,
  target: PostgresqlSource,
  signal: AbortSignal,
): Promise<RestoredDatabase> {
  await expectSize(manifest, file);
  expectContent(manifest, file, await hashFile(file));
  await withClient(target.url, async (client) => {
    const { rows } = await client.query<{ name: string }>(
      "select c.relname as name from pg_class c join pg_namespace n on n.oid = c.relnamespace where c.relkind in ('r', 'p', 'v', 'm', 'S') and n.nspname not like 'pg\\_%' and n.nspname <> 'information_schema' limit 1",
    );
    const [found] = rows;
    if (found !== undefined)
      throw new MusterError('restore_not_empty', `the database has ${found.name} already`, { place: 'databaseUrl' });
  });
  await runPostgresqlTool({
    tool: 'pg_restore',
    arguments: ['--exit-on-error', '--single-transaction', '--no-owner', '--no-acl', file],
    target: libpqTarget(target.url),
    environment: target.environment,
    code: 'restore_failed',
    signal,
  });
  await withClient(target.url, async (client) => {
    await client.query('begin transaction isolation level repeatable read read only');
    compareWithManifest(manifest.facts, await readPostgresqlFacts(client), file);
  });
  const database = await openDatabase({ url: target.url, onFatal: () => {} });
  return { database, settle: async () => await database.close(), abandon: async () => await database.close() };
}

async function expectSize({ database }: BackupManifest, file: string): Promise<void> {
  const sizeBytes = await sizeOf(file);
  if (sizeBytes === database.sizeBytes) return;
  throw damaged(file, sizeBytes === undefined ? 'is missing' : `has ${sizeBytes} bytes and not ${database.sizeBytes}`);
}

function expectContent({ database }: BackupManifest, file: string, content: Content): void {
  if (content.sha256 !== database.sha256)
    throw damaged(file, 'was edited: it has another SHA-256 than its manifest says');
}
