import type { Tx } from '../platform/database/index.ts';
import { type Caller, ledgerActor } from '../identity/index.ts';
import type { NewEvidence, RecordEvidence } from './contract.ts';
import { type EvidenceRecord, evidenceDigest } from './evidence.ts';
import type { EvidenceParts } from './evidence-parts.ts';

type RecordParts = Pick<EvidenceParts, 'evidence' | 'ledger' | 'clock' | 'newId' | 'onChange'>;

/** Keeps evidence, with its audit entry, in the transaction of whoever found it. Authorizes nothing. */
export async function recordEvidence(
  { evidence: store, ledger, clock, newId, onChange }: RecordParts,
  tx: Tx,
  caller: Caller,
  { endpoint, ...found }: NewEvidence,
): Promise<EvidenceRecord> {
  const id = newId();
  const entry = await ledger.append(tx, {
    actor: ledgerActor(caller),
    action: found.source === 'person' ? 'evidence.attest' : 'system.evidence.recorded',
    subject: { kind: 'endpoint', id: endpoint.name },
    team: endpoint.team,
    outcome: 'allowed',
    request: caller.requestId,
    after: evidenceDigest(found),
    ctx: {
      endpoint: endpoint.id,
      evidence: id,
      check: found.check,
      passed: found.passed,
      model: found.model,
      version: found.version,
    },
  });
  const record: EvidenceRecord = {
    ...found,
    id,
    endpointId: endpoint.id,
    at: clock.now(),
    by: caller.actor.id,
    entry,
  };
  // After the ledger, whose number it is.
  await store.add(tx, record);
  onChange();
  return record;
}

/** For the rooms that find evidence by doing something. */
export function recorderOf(parts: RecordParts): RecordEvidence {
  return async (tx, caller, found) => (await recordEvidence(parts, tx, caller, found)).id;
}
