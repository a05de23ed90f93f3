import type { Evidence, Page, evidenceQuerySchema } from '@muster-ml/protocol';
import type { z } from 'zod';
import type { Caller } from '../identity/index.ts';
import { renderEvidence } from './evidence.ts';
import { type EvidenceParts, authorizedEndpoint } from './evidence-parts.ts';

export type EvidenceQuery = z.output<typeof evidenceQuerySchema>;

/** Evidence of an endpoint, newest first; the cursor is the last id. Throws `endpoint_not_found`, `not_allowed`. */
export async function listEvidence(
  parts: Pick<EvidenceParts, 'database' | 'evidence' | 'identity'>,
  caller: Caller,
  name: string,
  { check, after, limit }: EvidenceQuery,
): Promise<Page<Evidence>> {
  const { id } = await authorizedEndpoint(parts, caller, 'readiness.read', name);
  const found = await parts.evidence.page(parts.database.reader, id, { check, before: after, limit: limit + 1 });
  const shown = found.slice(0, limit);
  const names = await parts.identity.namesOf([...new Set(shown.map(({ by }) => by))]);
  const items = shown.map((evidence) => renderEvidence(evidence, name, names.get(evidence.by) ?? null));
  const last = found.length > limit ? shown.at(-1) : undefined;
  return last === undefined ? { items } : { items, next: last.id };
}
