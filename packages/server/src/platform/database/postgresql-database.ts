import { setTimeout as delay } from 'node:timers/promises';
import { MusterError } from '@muster-ml/protocol';
import { Kysely, PostgresDialect, sql } from 'kysely';
import pg from 'pg';
import type { Database } from './database.ts';
import { isSerializationFailure } from './database-error.ts';
import { migrate } from './migrate.ts';
import { createPostgresqlDialect } from './postgresql-dialect.ts';

export interface PostgresqlOptions {
  /** `postgres://user:password@host:port/database`, or with `?host=/folder` for a Unix socket. */
  readonly url: string;
  readonly maxConnections?: number | undefined;
}

const oldestVersion = 15;
const maxAttempts = 5;

/** Opens (and migrates) a PostgreSQL database. Throws `invalid_configuration` for a server that would not be durable. */
export async function openPostgresqlDatabase(options: PostgresqlOptions): Promise<Database> {
  const pool = new pg.Pool({
    connectionString: options.url,
    application_name: 'muster',
    max: options.maxConnections ?? 10,
    connectionTimeoutMillis: 5_000,
    idleTimeoutMillis: 30_000,
    statement_timeout: 30_000,
    lock_timeout: 5_000,
    idle_in_transaction_session_timeout: 15_000,
    types: { getTypeParser: parserOf as typeof pg.types.getTypeParser },
  });
  // An idle connection that breaks is dropped by the pool; the next statement opens another or says what is wrong.
  pool.on('error', () => {});
  // One that breaks in use, between two statements, must not end the process: its next statement fails.
  pool.on('connect', (client) => {
    client.on('error', () => {});
  });
  const db = new Kysely<unknown>({ dialect: createPostgresqlDialect(pool) });
  try {
    await refuseUnfit(db);
    // Kysely's own dialect: its introspection binds booleans, which stores may not.
    await migrate(new Kysely<unknown>({ dialect: new PostgresDialect({ pool }) }), 'postgresql');
  } catch (error) {
    await db.destroy();
    throw error;
  }
  let closing: Promise<void> | undefined;
  return {
    kind: 'postgresql',
    reader: db,
    inTransaction: (work) => retried(() => db.transaction().execute(work)),
    isHealthy: async () => {
      try {
        await sql`select 1`.execute(db);
        return true;
      } catch {
        return false;
      }
    },
    close: () => (closing ??= db.destroy()),
  };
}

/** Repeats what lost against another transaction, after a random pause; nothing of it had stayed. */
async function retried<R>(attempt: () => Promise<R>): Promise<R> {
  for (let number = 1; ; number++) {
    try {
      return await attempt();
    } catch (error) {
      if (number === maxAttempts || !isSerializationFailure(error)) throw error;
    }
    await delay(Math.random() * 10 * 2 ** number);
  }
}

async function refuseUnfit(db: Kysely<unknown>): Promise<void> {
  const { rows } = await sql<Record<string, string>>`
    select current_setting('server_version_num') as version, current_setting('fsync') as fsync,
      current_setting('synchronous_commit') as synchronous_commit, current_setting('server_encoding') as encoding
  `.execute(db);
  const [server] = rows;
  if (server === undefined) throw new MusterError('storage_unavailable', 'the database does not answer');
  const version = Math.floor(Number(server.version) / 10_000);
  if (version < oldestVersion) refuse(`PostgreSQL ${version} is too old`, `Use PostgreSQL ${oldestVersion} or newer.`);
  if (server.encoding !== 'UTF8')
    refuse(`the database has the encoding ${server.encoding}`, 'Make it with ENCODING UTF8.');
  if (server.fsync === 'off')
    refuse('PostgreSQL runs with fsync=off', 'Set fsync=on: what is acknowledged must be on disk.');
  if (server.synchronous_commit === 'off') {
    refuse(
      'PostgreSQL runs with synchronous_commit=off',
      'Set synchronous_commit=on: what is acknowledged must be on disk.',
    );
  }
}

function refuse(message: string, remedy: string): never {
  throw new MusterError('invalid_configuration', message, { remedy });
}

const int8 = 20;

/** Integers come back as numbers, as from SQLite; one that a number can't hold is an error, not another number. */
function parserOf(oid: number, format?: 'text' | 'binary'): unknown {
  return oid === int8 && format !== 'binary' ? parseInteger : pg.types.getTypeParser(oid, format);
}

function parseInteger(text: string): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value)) throw new RangeError(`${text} is beyond 2^53`);
  return value;
}
