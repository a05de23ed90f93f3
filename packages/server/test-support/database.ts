import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Database, type OpenDatabaseOptions, openDatabase } from '../src/platform/database/index.ts';
import { type PostgresqlServer, startPostgresql } from './postgresql-server.ts';

/** For `describe.each(databaseKinds)`: a store's rules hold on both. */
export const databaseKinds = ['sqlite', 'postgresql'] as const;

/** A migrated database of one's own. */
export interface TestDatabase {
  readonly database: Database;
  /** Where it is, to open it a second time after `database.close()`. */
  readonly address: { readonly file: string } | { readonly url: string };
  /** Closes it and removes what it left. */
  close(): Promise<void>;
}

/** Opens an empty, migrated database. The first PostgreSQL of a test file takes a second, each further one a tenth. */
export async function openTestDatabase(
  kind: Database['kind'],
  options: Partial<Pick<OpenDatabaseOptions, 'onFatal'>> = {},
): Promise<TestDatabase> {
  const onFatal =
    options.onFatal ??
    ((error) => {
      throw error;
    });
  if (kind === 'sqlite') {
    const folder = await mkdtemp(join(tmpdir(), 'muster-db-'));
    const address = { file: join(folder, 'muster.db') };
    const database = await openDatabase({ ...address, onFatal });
    return {
      database,
      address,
      close: async () => {
        await database.close();
        await rm(folder, { recursive: true, force: true });
      },
    };
  }
  const server = await sharedServer();
  const name = `t${++databases}`;
  await server.execute(`create database ${name} template migrated`);
  const address = { url: server.url(name) };
  const database = await openDatabase({ ...address, onFatal });
  return {
    database,
    address,
    close: () => database.close(),
  };
}

let server: Promise<PostgresqlServer> | undefined;
let databases = 0;

/** One server a test file; it ends with the test process. */
function sharedServer(): Promise<PostgresqlServer> {
  return (server ??= startWithTemplate());
}

async function startWithTemplate(): Promise<PostgresqlServer> {
  const started = await startPostgresql();
  await started.execute('create database migrated');
  const database = await openDatabase({ url: started.url('migrated'), onFatal: () => {} });
  await database.close();
  return started;
}
