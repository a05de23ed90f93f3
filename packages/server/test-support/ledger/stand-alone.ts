import type { EntryRow } from '../../src/ledger/tables.ts';
import type { InclusionProof } from '../../src/ledger/contract.ts';
import { type MemoryLedger, origin } from './memory-ledger.ts';

interface StandAloneReport {
  readonly outcome: string;
  readonly size: number;
  readonly anchored: number;
  readonly firstBad: number | null;
  readonly findings: readonly string[];
}

interface StandAloneVerifier {
  readNotes(text: string, source: string): unknown[];
  verifyExport(
    header: { readonly origin: string; readonly keys: readonly string[] },
    entries: Iterable<Pick<EntryRow, 'seq' | 'body'>>,
    notes: unknown[],
    pinned?: readonly string[],
  ): Promise<StandAloneReport>;
  verifyProof(proof: InclusionProof, notes: unknown[], pinned?: readonly string[]): StandAloneReport;
}

/** The verifier that an auditor runs, which shares no code with the server. */
export const standAlone = (await import(
  new URL('../../verifier/verify.mjs', import.meta.url).href
)) as StandAloneVerifier;

/** Verifies the export of a ledger against what is kept outside. */
export async function verifyAlone(ledger: MemoryLedger, outside: string): Promise<StandAloneReport> {
  const entries = ledger.rows.map(({ seq, body }) => ({ seq, body }));
  const notes = standAlone.readNotes(outside, 'the folder');
  return await standAlone.verifyExport({ origin, keys: ledger.keys }, entries, notes);
}
