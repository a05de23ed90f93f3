/** The tables of the ledger. `ledger_entry` only grows; its columns beside `body` are copies to search by. */
export type LedgerTables = {
  ledger_entry: {
    seq: number;
    at: number;
    actor_id: string;
    action: string;
    subject_kind: string;
    subject_id: string;
    team_id: string | null;
    body: string;
    leaf: Uint8Array;
    outcome: string;
  };
  ledger_head: { id: number; size: number; frontier: Uint8Array; restored: string };
  ledger_tile: { level: number; ix: number; width: number; hashes: Uint8Array };
  ledger_checkpoint: { size: number; note: string; at: number; published: string };
  ledger_key: { verifier: string; seq: number; created_at: number };
};

/** A row of `ledger_entry`. */
export type EntryRow = LedgerTables['ledger_entry'];
