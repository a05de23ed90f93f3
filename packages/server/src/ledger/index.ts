export { createLedger } from './append.ts';
export type {
  Checkpoint,
  EntryFilter,
  LedgerRecords,
  StoredEntry,
  VerificationReport,
  VerifyOptions,
} from './contract.ts';
export { digestOf } from './digest-of.ts';
export type { Ledger, LedgerActor, NewEntry } from './entry.ts';
export { registerLedgerMetrics } from './metrics.ts';
export { type KeptLedgerRecords, createLedgerRecords } from './records.ts';
export { orderRestore } from './restore-order.ts';
export { createCheckpointSinks } from './sinks.ts';
export { Frontier, leafOf } from './merkle-tree.ts';
