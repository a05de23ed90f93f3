import type { EvidenceFacts, WaiverFacts } from '@muster-ml/protocol';
import type { Kysely } from 'kysely';
import type { EvidenceRecord } from './evidence.ts';
import { evidenceStore } from './evidence-store.ts';
import { waiverStore } from './waiver-store.ts';

/** The newest evidence of each check, newest first, by endpoint. */
export async function loadEvidence(
  db: Kysely<unknown>,
  ids: readonly string[],
): Promise<ReadonlyMap<string, readonly EvidenceFacts[]>> {
  const records = (await evidenceStore.newest(db, ids)).toSorted((one, other) => (one.id < other.id ? 1 : -1));
  return new Map(
    [...Map.groupBy(records, ({ endpointId }) => endpointId)].map(([id, all]) => [id, all.map(evidenceFacts)]),
  );
}

function evidenceFacts(record: EvidenceRecord): EvidenceFacts {
  const { id, check, source, by, passed, summary, at, model, version, figures } = record;
  return {
    id,
    check,
    source,
    by,
    passed,
    summary,
    at,
    figures,
    version:
      model === null || version === null
        ? null
        : {
            model,
            number: version,
          },
  };
}

/** Waivers that count now, by endpoint. */
export async function loadWaivers(
  db: Kysely<unknown>,
  ids: readonly string[],
  now: number,
): Promise<ReadonlyMap<string, readonly WaiverFacts[]>> {
  const records = await waiverStore.approved(db, ids, now);
  return new Map(
    [...Map.groupBy(records, ({ endpointId }) => endpointId)].map(([id, all]) => [
      id,
      all.map(({ id: waiver, check, reason, until }) => ({ id: waiver, check, reason, until })),
    ]),
  );
}
