import type { Identity } from '../identity/index.ts';
import type { KeptLedgerRecords, Ledger, LedgerRecords } from '../ledger/index.ts';
import type { Database } from '../platform/database/index.ts';
import type { Operations } from '../platform/operations/index.ts';

/** What the use cases of this room work with. */
export interface AuditParts {
  readonly database: Database;
  readonly identity: Pick<Identity, 'authorize' | 'scope' | 'namesOf' | 'actorId'>;
  readonly ledger: Ledger;
  readonly records: LedgerRecords & Pick<KeptLedgerRecords, 'rotateKey'>;
  readonly operations: Operations;
}
