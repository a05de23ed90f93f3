import type { Action } from '@muster-ml/protocol';
import type { Tx } from '../platform/database/index.ts';

/** Who did it, as the ledger keeps it: an opaque id; names live in identity. */
export interface LedgerActor {
  readonly kind: 'person' | 'service' | 'system';
  readonly id: string;
  /** Id of the token that was used. */
  readonly token?: string;
}

/** What a use case says of itself; the ledger adds `v`, `seq` and `at`. Bodies hold no personal data and no secrets. */
export interface NewEntry {
  readonly actor: LedgerActor;
  readonly action: Action | `system.${string}`;
  readonly subject: { readonly kind: string; readonly id: string };
  readonly team: string | null;
  readonly outcome: 'allowed' | 'denied' | 'failed';
  /** Request id. */
  readonly request: string;
  /** SHA-256 of the object's canonical JSON before and after. */
  readonly before?: string;
  readonly after?: string;
  /** Small facts: strings, safe integers, booleans, null, arrays, objects. */
  readonly ctx?: Readonly<Record<string, unknown>>;
}

export interface Ledger {
  /**
   * Appends an entry in the transaction that it describes, as its last step: the sequence is single, starts at 0 and
   * has no gaps, also with several writers on PostgreSQL. Answers the entry's number.
   */
  append(tx: Tx, entry: NewEntry): Promise<number>;
}
