import type { DatabaseSync, StatementSync } from 'node:sqlite';
import {
  type CompiledQuery,
  type DatabaseConnection,
  type Dialect,
  type Driver,
  type QueryResult,
  type SelectModifierNode,
  SqliteAdapter,
  SqliteIntrospector,
  SqliteQueryCompiler,
} from 'kysely';
import { checkBoundValues } from './bound-value.ts';
import { toDatabaseError } from './database-error.ts';

/** How a transaction of Kysely begins and ends on the connection. */
export interface TransactionCommands {
  readonly begin: string;
  readonly commit: string;
  readonly rollback: string;
}

/** IMMEDIATE: a read that turns into a write would fail with BUSY_SNAPSHOT, which no timeout cures. */
export const wholeTransactions: TransactionCommands = {
  begin: 'BEGIN IMMEDIATE',
  commit: 'COMMIT',
  rollback: 'ROLLBACK',
};

/** For transactions inside a group that somebody else begins and commits. */
export const savepoints: TransactionCommands = {
  begin: 'SAVEPOINT t',
  commit: 'RELEASE t',
  rollback: 'ROLLBACK TO t; RELEASE t',
};

/**
 * Kysely on one `node:sqlite` connection. The connection stays its opener's, who closes it. `onAcquire` sees what each
 * transaction (or single statement) gets to hold.
 */
export function createSqliteDialect(
  db: DatabaseSync,
  commands: TransactionCommands,
  onAcquire: (connection: SqliteConnection) => void = () => {},
): Dialect {
  return {
    createDriver: () => createDriver(db, commands, onAcquire),
    createQueryCompiler: () => new Compiler(),
    createAdapter: () => new Adapter(),
    createIntrospector: (kysely) => new SqliteIntrospector(kysely),
  };
}

function createDriver(
  db: DatabaseSync,
  commands: TransactionCommands,
  onAcquire: (connection: SqliteConnection) => void,
): Driver {
  const statements = createStatementCache(db);
  const execute = (sql: string): void => {
    try {
      db.exec(sql);
    } catch (error) {
      throw toDatabaseError(error);
    }
  };
  return {
    init: () => Promise.resolve(),
    acquireConnection: async () => {
      const connection = new SqliteConnection(db, statements);
      onAcquire(connection);
      return connection;
    },
    beginTransaction: async () => execute(commands.begin),
    commitTransaction: async (connection) => {
      // A group that ended without this transaction (an I/O error rolled it back) has no savepoint to release.
      (connection as SqliteConnection).assertOpen();
      execute(commands.commit);
    },
    rollbackTransaction: async (connection) => {
      if ((connection as SqliteConnection).isOpen && db.isTransaction) execute(commands.rollback);
    },
    releaseConnection: async (connection) => (connection as SqliteConnection).close(),
    destroy: () => Promise.resolve(),
  };
}

/** What a transaction (or a single statement) holds while it runs: used later, it throws instead of joining another's. */
export class SqliteConnection implements DatabaseConnection {
  readonly #db: DatabaseSync;
  readonly #statements: (sql: string) => CachedStatement;
  #isOpen = true;

  constructor(db: DatabaseSync, statements: (sql: string) => CachedStatement) {
    this.#db = db;
    this.#statements = statements;
  }

  get isOpen(): boolean {
    return this.#isOpen;
  }

  close(): void {
    this.#isOpen = false;
  }

  assertOpen(): void {
    if (!this.#isOpen) throw new Error('a transaction was used after its end');
  }

  async executeQuery<R>(query: CompiledQuery): Promise<QueryResult<R>> {
    try {
      return this.#run<R>(query);
    } catch (error) {
      throw toDatabaseError(error);
    }
  }

  #run<R>(query: CompiledQuery): QueryResult<R> {
    this.assertOpen();
    const { statement, returnsRows } = this.#statements(query.sql);
    const values = bind(query.parameters);
    if (returnsRows) return { rows: statement.all(...values) as R[] };
    return { rows: [], numAffectedRows: BigInt(statement.run(...values).changes) };
  }

  async *streamQuery<R>(query: CompiledQuery): AsyncIterableIterator<QueryResult<R>> {
    this.assertOpen();
    // A statement of its own: a cached one would be reset by the next who uses it.
    const rows = this.#db.prepare(query.sql).iterate(...bind(query.parameters));
    for (const row of rows) yield { rows: [row as R] };
  }
}

/** Integers are bound as integers: a number binds as REAL, and then 7/2 is 3.5. */
function bind(parameters: readonly unknown[]): (null | string | number | bigint | Uint8Array)[] {
  return checkBoundValues(parameters).map((value) =>
    typeof value === 'number' && Number.isInteger(value) ? BigInt(value) : value,
  );
}

interface CachedStatement {
  readonly statement: StatementSync;
  readonly returnsRows: boolean;
}

const maxCachedStatements = 500;

/** Prepared statements by their text, least recently used out first: preparing costs more than a point read. */
function createStatementCache(db: DatabaseSync): (sql: string) => CachedStatement {
  const cache = new Map<string, CachedStatement>();
  return (sql) => {
    const known = cache.get(sql);
    if (known !== undefined) {
      cache.delete(sql);
      cache.set(sql, known);
      return known;
    }
    const statement = db.prepare(sql);
    const fresh = { statement, returnsRows: statement.columns().length > 0 };
    cache.set(sql, fresh);
    if (cache.size > maxCachedStatements) {
      const [oldest] = cache.keys();
      if (oldest !== undefined) cache.delete(oldest);
    }
    return fresh;
  };
}

/** There is one writer, so row locks (`forUpdate`, `skipLocked`) have nothing to do and compile to nothing. */
class Compiler extends SqliteQueryCompiler {
  protected override visitSelectModifier(node: SelectModifierNode): void {
    if (node.modifier === 'Distinct' || node.rawModifier !== undefined) super.visitSelectModifier(node);
  }
}

class Adapter extends SqliteAdapter {
  /** Kysely's adapter says no, to spare people the copy-and-rename recipe; SQLite does roll schema changes back. */
  override get supportsTransactionalDdl(): boolean {
    return true;
  }

  /** Else Kysely lets nobody in while a transaction is open, also after it was given up. Order is kept by GroupCommit. */
  override get supportsMultipleConnections(): boolean {
    return true;
  }
}
