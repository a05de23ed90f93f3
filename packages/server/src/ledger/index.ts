export type { Ledger, LedgerActor, NewEntry } from './entry.ts';
