import type { LedgerActor } from '../ledger/index.ts';
import type { Caller } from './actor.ts';

/** The caller of a use case as the ledger keeps it. */
export function ledgerActor({ actor: { kind, id, token } }: Caller): LedgerActor {
  return { kind, id, ...(token === undefined ? {} : { token: token.id }) };
}
