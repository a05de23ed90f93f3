import { Readable } from 'node:stream';
import type { ExportHeader } from '@muster-ml/protocol';
import type { Caller } from '../identity/index.ts';
import type { RawAnswer } from '../platform/http/index.ts';
import type { AuditParts } from './parts.ts';
import { ledgerResource, useOfLedger } from './use-of-ledger.ts';

/**
 * The whole ledger as it was when it was asked for, as JSONL that the stand-alone verifier reads: a header, then an entry a
 * line. The entry of the export itself comes after, so that a checkpoint made just before covers everything exported.
 *
 * It is read in batches as the caller takes them and never held as a whole, so its size is not known before its end; where
 * it breaks off the connection ends, never the file.
 */
export async function exportLedger(
  { identity, database, ledger, records }: Pick<AuditParts, 'identity' | 'database' | 'ledger' | 'records'>,
  caller: Caller,
): Promise<RawAnswer> {
  identity.authorize(caller, 'audit.export', ledgerResource);
  const own = await database.inTransaction(async (tx) => await ledger.append(tx, useOfLedger(caller, 'audit.export')));
  const { origin, keys } = await records.keys();
  const header: ExportHeader = { format: 'muster-ledger-export/1', origin, keys: [...keys] };
  async function* lines(): AsyncGenerator<string> {
    yield lineOf(header);
    for await (const batch of records.all(0)) {
      const before = batch.filter(({ seq }) => seq < own);
      if (before.length > 0) yield before.map(({ seq, body }) => lineOf({ seq, body })).join('');
      if (before.length < batch.length) return;
    }
  }
  return { stream: Readable.from(lines()), fileName: 'muster-ledger.jsonl' };
}

function lineOf(value: unknown): string {
  return `${JSON.stringify(value)}\n`;
}
