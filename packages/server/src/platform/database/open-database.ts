import type { MusterError } from '@muster-ml/protocol';
import type { Database } from './database.ts';
import { openPostgresqlDatabase } from './postgresql-database.ts';
import { openSqliteDatabase } from './sqlite-database.ts';

export interface OpenDatabaseOptions {
  /** A PostgreSQL address; it wins over `file`. */
  readonly url?: string | undefined;
  /** The file of the embedded database; made where it is not there. */
  readonly file?: string | undefined;
  /**
   * Called once when a commit failed in a way that leaves the state of the disk unknown (embedded database only). What
   * was in flight is rejected; the process must end, and a restart finds what was acknowledged.
   */
  readonly onFatal: (error: MusterError) => void;
  /** Named moments of the writer, for tests that kill the process there. */
  readonly crashPoint?: ((name: string) => void) | undefined;
}

/**
 * Opens the database and brings it to this program's schema. Throws `data_dir_in_use`, `schema_mismatch`,
 * `invalid_configuration`, `storage_unavailable`, `disk_full`.
 */
export async function openDatabase(options: OpenDatabaseOptions): Promise<Database> {
  if (options.url !== undefined) return await openPostgresqlDatabase({ url: options.url });
  if (options.file !== undefined) return await openSqliteDatabase({ ...options, file: options.file });
  throw new TypeError('openDatabase needs a url or a file');
}
