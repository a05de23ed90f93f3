export { createLedger } from './append.ts';
export { digestOf } from './digest-of.ts';
export type { Ledger, LedgerActor, NewEntry } from './entry.ts';
