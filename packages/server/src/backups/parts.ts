import type { Identity } from '../identity/index.ts';
import type { Ledger } from '../ledger/index.ts';
import type { Clock } from '../platform/clock/index.ts';
import type { Database } from '../platform/database/index.ts';
import type { ObjectStore } from '../platform/objects/index.ts';
import type { Operations } from '../platform/operations/index.ts';
import type { BackupLease } from './lease.ts';
import type { PostgresqlSource } from './snapshot-postgresql.ts';

/** What the use cases of this room work with. */
export interface BackupParts {
  readonly database: Database;
  /** Where that database is, for a snapshot beside it. */
  readonly source: { readonly file: string } | PostgresqlSource;
  readonly objects: Pick<ObjectStore, 'read'>;
  readonly identity: Pick<Identity, 'authorize'>;
  readonly ledger: Ledger;
  readonly operations: Operations;
  readonly clock: Clock;
  readonly lease: BackupLease;
  /** Where backups go. */
  readonly folder: string;
  readonly softwareVersion: string;
  readonly environment: string;
  readonly installation: string;
}
