import { once } from 'node:events';
import { type Operation, type VerifyLedger, verifyLedgerSchema } from '@muster-ml/protocol';
import type { Caller } from '../identity/index.ts';
import type { VerificationReport } from '../ledger/index.ts';
import type { OperationHandle } from '../platform/operations/index.ts';
import type { AuditParts } from './parts.ts';
import { ledgerResource, useOfLedger } from './use-of-ledger.ts';

type VerifyParts = Pick<AuditParts, 'identity' | 'database' | 'ledger' | 'records' | 'operations'>;

/** Verifications of the whole ledger, as operations whose result is the report. */
export interface Verifications {
  /** Starts one, also against notes that somebody kept elsewhere. */
  start(caller: Caller, wish: VerifyLedger): Promise<Operation>;
  /** Begins again those that a restart cut off. */
  resume(): Promise<void>;
}

export function createVerifications(parts: VerifyParts): Verifications {
  const { identity, database, ledger, records, operations } = parts;
  // One after the other: each reads everything and hashes it, and two side by side would only be slower each.
  let last: Promise<unknown> = Promise.resolve();

  async function verify(
    handle: OperationHandle,
    { notes }: VerifyLedger,
    own: number | undefined,
    turn: Promise<unknown>,
  ): Promise<Record<string, unknown>> {
    await Promise.race([turn, once(handle.signal, 'abort')]);
    handle.signal.throwIfAborted();
    handle.progress('reading the ledger');
    const report = await records.verify({
      notes,
      signal: handle.signal,
      onProgress: (entries, of) => handle.progress(progressText(entries, of)),
    });
    return { ...verdictBefore(report, own) };
  }

  function run(id: string, wish: VerifyLedger, own?: number): void {
    operations.run(id, async (handle) => {
      const before = last;
      const mine = verify(handle, wish, own, before);
      // Also of the one before: one that is cancelled while it waits lets nobody pass.
      last = Promise.allSettled([before, mine]);
      return await mine;
    });
  }

  return {
    async start(caller, wish) {
      identity.authorize(caller, 'audit.verify', ledgerResource);
      const { operation, own } = await database.inTransaction(async (tx) => {
        const created = await operations.create(tx, {
          kind: 'verify-ledger',
          subject: 'installation/ledger',
          team: null,
          createdBy: caller.actor.id,
          input: { notes: wish.notes },
          progress: 'waiting for its turn',
        });
        const use = useOfLedger(caller, 'audit.verify', { operation: created.id, notes: wish.notes.length });
        return { operation: created, own: await ledger.append(tx, use) };
      });
      run(operation.id, wish, own);
      return operation;
    },

    async resume() {
      for (const { operation, input } of await operations.interrupted('verify-ledger'))
        run(operation.id, verifyLedgerSchema.parse(input));
    },
  };
}

/**
 * A verification judges what was there before it: that nothing outside covers its own entry yet is no finding, else each
 * one would find itself. `own` is the number of that entry.
 */
export function verdictBefore(report: VerificationReport, own: number | undefined): VerificationReport {
  const isOnlyOwn = report.outcome === 'unanchored' && own !== undefined && own > 0 && report.anchored >= own;
  return isOnlyOwn ? { ...report, outcome: 'ok' } : report;
}

function progressText(entries: number, of: number): string {
  return `checked ${entries.toLocaleString('en-GB')} of ${of.toLocaleString('en-GB')} entries`;
}
