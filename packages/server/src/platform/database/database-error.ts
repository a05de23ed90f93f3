import { MusterError } from '@muster-ml/protocol';

/**
 * What went wrong, from SQLite's extended result code or PostgreSQL's SQLSTATE. One mapping for both, so that a store
 * treats them alike.
 */
export type DatabaseFault =
  | { readonly kind: 'unique' | 'foreign_key'; readonly table: string | undefined }
  | { readonly kind: 'serialization' | 'full' | 'unavailable' | 'bug' };

/** Classifies an error of `node:sqlite` or `pg`; undefined for an error of anybody else. */
export function faultOf(error: unknown): DatabaseFault | undefined {
  if (!(error instanceof Error)) return undefined;
  if ('errcode' in error && typeof error.errcode === 'number') return sqliteFault(error.errcode, error.message);
  if (!('code' in error) || typeof error.code !== 'string') {
    return postgresConnectionLost.test(error.message) ? { kind: 'unavailable' } : undefined;
  }
  if (/^[0-9A-Z]{5}$/.test(error.code) && 'severity' in error) {
    return postgresFault(error.code, 'table' in error && typeof error.table === 'string' ? error.table : undefined);
  }
  return networkCodes.has(error.code) ? { kind: 'unavailable' } : undefined;
}

const networkCodes = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'EPIPE',
  'ENOENT',
  'ETIMEDOUT',
  'EHOSTUNREACH',
  'ENOTFOUND',
  'EAI_AGAIN',
]);

/** pg gives these no code. */
const postgresConnectionLost =
  /^(Connection terminated|Client has encountered a connection error|timeout exceeded when trying to connect)|^Query read timeout|pool after calling end/;

function sqliteFault(errcode: number, message: string): DatabaseFault {
  switch (errcode) {
    case 2067: // SQLITE_CONSTRAINT_UNIQUE
    case 1555: // SQLITE_CONSTRAINT_PRIMARYKEY
      return { kind: 'unique', table: /failed: (?:index ')?([a-z_0-9]+)/.exec(message)?.[1] };
    case 787: // SQLITE_CONSTRAINT_FOREIGNKEY
      return { kind: 'foreign_key', table: undefined };
    default:
  }
  switch (errcode & 0xff) {
    case 5: // SQLITE_BUSY, also SQLITE_BUSY_SNAPSHOT (517)
    case 6: // SQLITE_LOCKED
      return { kind: 'serialization' };
    case 13: // SQLITE_FULL
      return { kind: 'full' };
    case 7: // SQLITE_NOMEM
    case 8: // SQLITE_READONLY
    case 10: // SQLITE_IOERR
    case 11: // SQLITE_CORRUPT
    case 14: // SQLITE_CANTOPEN
    case 26: // SQLITE_NOTADB
      return { kind: 'unavailable' };
    default:
      return { kind: 'bug' };
  }
}

function postgresFault(state: string, table: string | undefined): DatabaseFault {
  if (state === '23505') return { kind: 'unique', table };
  if (state === '23503') return { kind: 'foreign_key', table };
  if (state === '40001' || state === '40P01') return { kind: 'serialization' };
  if (state === '53100') return { kind: 'full' };
  // Connection exceptions, shortage of resources, the operator's intervention, system errors, a timeout on a lock.
  if (/^(08|53|57|58)/.test(state) || state === '55P03' || state === '25P03') return { kind: 'unavailable' };
  return { kind: 'bug' };
}

/** The error to throw for what a database threw; errors of others come back as they are. */
export function toDatabaseError(error: unknown): unknown {
  const fault = faultOf(error);
  switch (fault?.kind) {
    case undefined:
    case 'bug':
      return error;
    case 'unique':
      return new MusterError('unique_violation', `${fault.table ?? 'it'} exists already`, {
        details: { table: fault.table },
        cause: error,
      });
    case 'foreign_key':
      return new MusterError('reference_violation', 'something that it refers to does not exist any more', {
        cause: error,
      });
    case 'full':
      return new MusterError('disk_full', 'the volume of the database is full', { cause: error });
    case 'serialization':
      return new MusterError('storage_unavailable', 'too many changes at once to the same thing', {
        retryAfterSeconds: 1,
        cause: error,
      });
    case 'unavailable':
      return new MusterError('storage_unavailable', 'the database does not answer', {
        retryAfterSeconds: 1,
        cause: error,
      });
  }
}

/** Whether repeating the whole transaction may succeed: it lost against another, and nothing of it stayed. */
export function isSerializationFailure(error: unknown): boolean {
  return faultOf(error instanceof MusterError ? error.cause : error)?.kind === 'serialization';
}

/** Whether a unique index refused a row (of `table`, where named): for stores that have a better word for it. */
export function isUniqueViolation(error: unknown, table?: string): boolean {
  if (!(error instanceof MusterError) || error.code !== 'unique_violation') return false;
  return table === undefined || error.details.table === table;
}
