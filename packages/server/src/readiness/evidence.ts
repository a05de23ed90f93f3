import type { Evidence } from '@muster-ml/protocol';
import { digestOf } from '../ledger/index.ts';
import type { NewEvidence } from './contract.ts';

/** What a drill found or a person signed for, as it is kept: it never changes. */
export interface EvidenceRecord extends Omit<NewEvidence, 'endpoint'> {
  /** Sorts by time. */
  readonly id: string;
  /** Id of the endpoint. */
  readonly endpointId: string;
  readonly at: number;
  /** Id of the actor in whose name it was found. */
  readonly by: string;
  /** Number of the entry of the ledger. */
  readonly entry: number;
}

/** Digest of what was found, for the ledger: what people wrote stays out of it. */
export function evidenceDigest({
  check,
  source,
  model,
  version,
  passed,
  summary,
  figures,
}: Omit<NewEvidence, 'endpoint'>): string {
  // The canonical form knows no fractions; a number is told from a text by its mark.
  const exact = Object.fromEntries(
    Object.entries(figures).map(([name, value]) => [
      name,
      typeof value === 'number' ? { number: String(value) } : value,
    ]),
  );
  return digestOf({ check, source, model, version, passed, summary, figures: exact });
}

/** `by`: the name of who it is. */
export function renderEvidence(
  { endpointId: _endpointId, at, by, figures, ...evidence }: EvidenceRecord,
  endpoint: string,
  name: string | null,
): Evidence {
  return { ...evidence, endpoint, figures: { ...figures }, at: new Date(at).toISOString(), by: { id: by, name } };
}
