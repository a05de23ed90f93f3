import { type KeptLeaves, parseKeptNotes } from './kept-notes.ts';
import { type ParsedNote, type VerifierKey, parseNote, signersOf } from './signed-note.ts';

/** Checkpoints from one place, as text: the database itself, a folder outside, a file that an auditor kept. */
export interface NoteSource {
  readonly source: string;
  /** False for those of the database, which whoever changes entries can change too. */
  readonly isOutside: boolean;
  readonly text: string;
}

/** What one note says, and what became of it against the entries. */
export interface Claim {
  readonly source: string;
  readonly isOutside: boolean;
  readonly note: ParsedNote;
  /** Leaves that were kept with it. */
  readonly leaves: readonly KeptLeaves[];
  /** beyond: the ledger is shorter. unknown: entries before it are missing, so that the tree is no longer comparable. */
  state: 'matches' | 'differs' | 'beyond' | 'unknown';
  /** Verifier lines of the keys that signed it. */
  signers: readonly string[];
}

export interface ReadClaims {
  readonly claims: readonly Claim[];
  /** Sentences about what cannot be read. */
  readonly unreadable: readonly string[];
  /** Sentences about what was skipped, as a crash leaves it. */
  readonly skipped: readonly string[];
}

/** Reads the notes of all sources. */
export function readClaims(sources: readonly NoteSource[], origin: string): ReadClaims {
  const claims: Claim[] = [];
  const unreadable: string[] = [];
  const skipped: string[] = [];
  for (const { source, isOutside, text } of sources) {
    const { kept, torn } = parseKeptNotes(text);
    if (torn > 0) {
      const sentence = `${source}: ${torn} ${torn === 1 ? 'record is' : 'records are'} cut short and skipped`;
      (kept.length === 0 ? unreadable : skipped).push(sentence);
    }
    for (const { note: written, leaves } of kept) {
      const note = parseNote(written);
      if (note === undefined) unreadable.push(`${source}: holds a note that is no checkpoint`);
      else if (note.origin !== origin) {
        unreadable.push(`${source}: holds a checkpoint of ${note.origin}, and this ledger is ${origin}`);
      } else claims.push({ source, isOutside, note, leaves, state: 'beyond', signers: [] });
    }
  }
  return { claims, unreadable: [...new Set(unreadable)], skipped };
}

/** How a claim is signed: by a known key, wrongly in the name of one, or by somebody unknown. */
export type Signature = 'signed' | 'forged' | 'unknown';

/** Checks signatures, each once: the database and the outside have the same notes. */
export function createSignatureCheck(keys: readonly VerifierKey[]): (claim: Claim) => Signature {
  const checked = new Map<string, readonly string[]>();
  return (claim) => {
    const { note } = claim;
    const signers = checked.get(note.whole) ?? signersOf(note, keys);
    checked.set(note.whole, signers);
    claim.signers = signers;
    if (signers.length > 0) return 'signed';
    const names = new Set(note.signatures.map(({ name, keyId }) => `${name}+${keyId}`));
    return keys.some((key) => names.has(`${key.name}+${key.keyId}`)) ? 'forged' : 'unknown';
  };
}
