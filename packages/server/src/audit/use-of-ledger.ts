import type { Action } from '@muster-ml/protocol';
import { type Caller, ledgerActor } from '../identity/index.ts';
import type { NewEntry } from '../ledger/index.ts';

/** The ledger as a thing that somebody checks, exports or signs: it belongs to the installation, not to a team. */
export const ledgerResource = { kind: 'installation', id: 'ledger' } as const;

/** That somebody checked, exported or signed the ledger is an entry, too. */
export function useOfLedger(caller: Caller, action: Action, ctx: NonNullable<NewEntry['ctx']> = {}): NewEntry {
  return {
    actor: ledgerActor(caller),
    action,
    subject: ledgerResource,
    team: null,
    outcome: 'allowed',
    request: caller.requestId,
    ctx,
  };
}
