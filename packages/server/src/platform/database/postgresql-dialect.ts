import { MusterError } from '@muster-ml/protocol';
import {
  type CompiledQuery,
  type DatabaseConnection,
  type Dialect,
  type Driver,
  PostgresDialect,
  type PostgresPool,
  type QueryResult,
} from 'kysely';
import { checkBoundValues } from './bound-value.ts';
import { faultOf, toDatabaseError } from './database-error.ts';

/** Kysely's PostgreSQL dialect with this platform's checks on what is bound and its errors for what goes wrong. */
export function createPostgresqlDialect(pool: PostgresPool): Dialect {
  const inner = new PostgresDialect({ pool });
  return {
    createDriver: () => checked(inner.createDriver()),
    createQueryCompiler: () => inner.createQueryCompiler(),
    createAdapter: () => inner.createAdapter(),
    createIntrospector: (kysely) => inner.createIntrospector(kysely),
  };
}

/** A connection of Kysely's own driver, which recognises it by private symbols and so must get it back as it was. */
class CheckedConnection implements DatabaseConnection {
  readonly inner: DatabaseConnection;

  constructor(inner: DatabaseConnection) {
    this.inner = inner;
  }

  async executeQuery<R>(query: CompiledQuery): Promise<QueryResult<R>> {
    checkBoundValues(query.parameters);
    return await mapped(() => this.inner.executeQuery<R>(query));
  }

  streamQuery<R>(): AsyncIterableIterator<QueryResult<R>> {
    throw new Error('streaming needs a cursor; read pages by key instead');
  }
}

function checked(driver: Driver): Driver {
  const innerOf = (connection: DatabaseConnection): DatabaseConnection => (connection as CheckedConnection).inner;
  return {
    init: () => driver.init(),
    acquireConnection: async () => new CheckedConnection(await mapped(() => driver.acquireConnection())),
    beginTransaction: (connection, settings) => mapped(() => driver.beginTransaction(innerOf(connection), settings)),
    commitTransaction: async (connection) => {
      try {
        await driver.commitTransaction(innerOf(connection));
      } catch (error) {
        throw toCommitError(error);
      }
    },
    rollbackTransaction: async (connection) => {
      try {
        await driver.rollbackTransaction(innerOf(connection));
      } catch {
        // The connection is gone, and with it the transaction; the error that led here says more than this one.
      }
    },
    releaseConnection: (connection) => driver.releaseConnection(innerOf(connection)),
    destroy: () => driver.destroy(),
  };
}

/** A connection that is lost during COMMIT leaves open whether it happened: never repeated here. */
function toCommitError(error: unknown): unknown {
  if (faultOf(error)?.kind !== 'unavailable') return toDatabaseError(error);
  return new MusterError('storage_unavailable', 'the connection broke while the change was being committed', {
    remedy: 'Look whether the change is there, or repeat the request with the same Idempotency-Key.',
    details: { outcome: 'unknown' },
    cause: error,
  });
}

async function mapped<R>(call: () => Promise<R>): Promise<R> {
  try {
    return await call();
  } catch (error) {
    throw toDatabaseError(error);
  }
}
