/** What the ledger offers beside `append`: reading, proving and checking what was appended. */

/** An entry as it is kept: `body` is canonical JSON, byte for byte what was hashed. */
export interface StoredEntry {
  readonly seq: number;
  readonly body: string;
}

/** Which entries a search wants; what is absent does not matter. */
export interface EntryFilter {
  readonly actor?: string | undefined;
  readonly action?: string | undefined;
  readonly subjectKind?: string | undefined;
  readonly subjectId?: string | undefined;
  readonly outcome?: 'allowed' | 'denied' | 'failed' | undefined;
  /** Milliseconds since the epoch, inclusive and exclusive. */
  readonly from?: number | undefined;
  readonly until?: number | undefined;
  /** Only entries of these teams, or of what this actor did (not of what it was refused); `*` is every entry, also those of no team. */
  readonly visible: '*' | { readonly teams: readonly string[]; readonly actor: string };
}

/** A signed note (C2SP checkpoint) over the first `size` entries. */
export interface Checkpoint {
  readonly size: number;
  /** The whole signed note as text. */
  readonly note: string;
  /** Milliseconds since the epoch. */
  readonly at: number;
  /** Where it was published, and what failed. */
  readonly published: readonly {
    readonly sink: string;
    readonly at: number;
    readonly ok: boolean;
    readonly detail?: string;
  }[];
}

/** That an entry is in the tree of a checkpoint (RFC 9162): everything that an auditor needs to check it offline. */
export interface InclusionProof {
  readonly seq: number;
  readonly body: string;
  /** Base64 of the sibling hashes from the leaf upwards. */
  readonly path: readonly string[];
  readonly note: string;
  /** Signer keys as verifier lines (`name+keyid+base64`), oldest first. */
  readonly keys: readonly string[];
}

/** What verification found. Exit codes of the CLI: ok 0, tampered 1, unanchored or stale 2, unreadable 3. */
export interface VerificationReport {
  readonly outcome: 'ok' | 'tampered' | 'unanchored' | 'unreadable';
  /** Entries in the database. */
  readonly size: number;
  /** Entries that a checkpoint kept outside covers; what is above is not yet anchored. */
  readonly anchored: number;
  /** The first entry that is wrong, where one is. */
  readonly firstBad: number | null;
  /** What is wrong, in sentences, the most important first; at most 100. */
  readonly findings: readonly string[];
  /** Where the outside checkpoints came from, with their sizes. */
  readonly outside: readonly { readonly source: string; readonly size: number }[];
}

export interface VerifyOptions {
  /** Signed notes that somebody kept elsewhere, besides those of the sinks. */
  readonly notes?: readonly { readonly source: string; readonly note: string }[];
  readonly signal?: AbortSignal;
  readonly onProgress?: (entries: number, of: number) => void;
}

/** The ledger as the audit room uses it. */
export interface LedgerRecords {
  /** Newest first, below `before` (a seq), at most `limit`. */
  search(
    filter: EntryFilter,
    page: { readonly before?: number | undefined; readonly limit: number },
  ): Promise<readonly StoredEntry[]>;
  /** Entries from the first on, in batches, as an export reads them. */
  all(from: number): AsyncIterable<readonly StoredEntry[]>;
  /** Makes, signs and publishes a checkpoint if the ledger has grown; answers the newest. Undefined while it is empty. */
  checkpoint(): Promise<Checkpoint | undefined>;
  /** Newest first. */
  checkpoints(limit: number): Promise<readonly Checkpoint[]>;
  /** Throws `entry_not_found`, `entry_not_anchored` where no checkpoint covers it yet. */
  prove(seq: number): Promise<InclusionProof>;
  verify(options: VerifyOptions): Promise<VerificationReport>;
  /** Public keys as verifier lines, oldest first: the installation's origin, and what signed. */
  keys(): Promise<{ readonly origin: string; readonly keys: readonly string[] }>;
  /** Milliseconds since the oldest entry that no sink outside has; 0 where all is anchored. */
  anchorAgeMs(): Promise<number>;
}
