import { open } from 'node:fs/promises';
import { MusterError } from '@muster-ml/protocol';
import pg from 'pg';
import { readPostgresqlFacts } from './facts-postgresql.ts';
import { hashFile } from './durable-copy.ts';
import { libpqTarget, runPostgresqlTool } from './postgresql-tools.ts';
import type { Snapshot } from './snapshot-sqlite.ts';

/** Where a PostgreSQL database is, and how its client programs run. */
export interface PostgresqlSource {
  readonly url: string;
  readonly environment: Readonly<Record<string, string>>;
}

/**
 * Dumps a PostgreSQL database (`pg_dump -Fc`) and counts what is in it, both as of one moment: the dump takes over the
 * snapshot of the transaction that counts. Throws `backup_tool_missing`, `backup_failed`.
 */
export async function snapshotPostgresql(
  source: PostgresqlSource,
  target: string,
  signal: AbortSignal,
): Promise<Snapshot> {
  return await withClient(source.url, async (client) => {
    await client.query('begin transaction isolation level repeatable read read only');
    const { rows } = await client.query<{ snapshot: string }>('select pg_export_snapshot() as snapshot');
    await runPostgresqlTool({
      tool: 'pg_dump',
      arguments: [
        '--format=custom',
        '--no-owner',
        '--no-acl',
        `--snapshot=${rows[0]?.snapshot ?? ''}`,
        `--file=${target}`,
      ],
      target: libpqTarget(source.url),
      environment: source.environment,
      code: 'backup_failed',
      signal,
    });
    const facts = await readPostgresqlFacts(client);
    await client.query('commit');
    const file = await open(target, 'r+');
    try {
      await file.sync();
    } finally {
      await file.close();
    }
    return { ...(await hashFile(target)), facts };
  });
}

/** A connection of one's own, without the limits that requests have: a dump takes as long as it takes. */
export async function withClient<R>(url: string, work: (client: pg.Client) => Promise<R>): Promise<R> {
  const client = new pg.Client({
    connectionString: url,
    application_name: 'muster backup',
    connectionTimeoutMillis: 5_000,
    statement_timeout: 0,
    idle_in_transaction_session_timeout: 0,
  });
  // One that breaks must not end the process: its next statement fails.
  client.on('error', () => {});
  try {
    await client.connect();
  } catch (error) {
    throw new MusterError('storage_unavailable', `PostgreSQL does not answer: ${messageOf(error)}`, { cause: error });
  }
  try {
    return await work(client);
  } finally {
    await client.end().catch(() => {});
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
