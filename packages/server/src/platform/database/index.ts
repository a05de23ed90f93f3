export type { Database, Tx } from './database.ts';
export { isUniqueViolation } from './database-error.ts';
export { isPostgresql } from './is-postgresql.ts';
export { type OpenDatabaseOptions, openDatabase } from './open-database.ts';
