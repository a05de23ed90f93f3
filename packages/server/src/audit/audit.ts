import type {
  AuditEntry,
  AuditQuery,
  EntryProof,
  LedgerCheckpoint,
  LedgerKeys,
  Operation,
  Page,
  VerifyLedger,
} from '@muster-ml/protocol';
import type { Caller } from '../identity/index.ts';
import type { RawAnswer } from '../platform/http/index.ts';
import { listCheckpoints, makeCheckpoint, readKeys, rotateKey } from './checkpoints.ts';
import { exportLedger } from './export-ledger.ts';
import type { AuditParts } from './parts.ts';
import { getEntry, proveEntry } from './read-entry.ts';
import { searchEntries } from './search-entries.ts';
import { createVerifications } from './verify-ledger.ts';

/** The ledger for people: searched, proven, checked, exported. What each use case throws is said where it is written. */
export interface Audit {
  searchEntries(caller: Caller, query: AuditQuery): Promise<Page<AuditEntry>>;
  getEntry(caller: Caller, seq: number): Promise<AuditEntry>;
  proveEntry(caller: Caller, seq: number): Promise<EntryProof>;
  listCheckpoints(caller: Caller, limit: number): Promise<Page<LedgerCheckpoint>>;
  makeCheckpoint(caller: Caller): Promise<LedgerCheckpoint>;
  verifyLedger(caller: Caller, wish: VerifyLedger): Promise<Operation>;
  exportLedger(caller: Caller): Promise<RawAnswer>;
  readKeys(caller: Caller): Promise<LedgerKeys>;
  rotateKey(caller: Caller): Promise<LedgerKeys>;
  /** Begins again what a restart cut off; called once at the start. */
  resume(): Promise<void>;
}

export function createAudit(parts: AuditParts): Audit {
  const verifications = createVerifications(parts);
  return {
    searchEntries: async (caller, query) => await searchEntries(parts, caller, query),
    getEntry: async (caller, seq) => await getEntry(parts, caller, seq),
    proveEntry: async (caller, seq) => await proveEntry(parts, caller, seq),
    listCheckpoints: async (caller, limit) => await listCheckpoints(parts, caller, limit),
    makeCheckpoint: async (caller) => await makeCheckpoint(parts, caller),
    verifyLedger: async (caller, wish) => await verifications.start(caller, wish),
    exportLedger: async (caller) => await exportLedger(parts, caller),
    readKeys: async (caller) => await readKeys(parts, caller),
    rotateKey: async (caller) => await rotateKey(parts, caller),
    resume: async () => await verifications.resume(),
  };
}
