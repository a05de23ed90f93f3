import type { Evidence, Page, PageQuery, Waiver } from '@muster-ml/protocol';
import type { Caller } from '../identity/index.ts';
import { type Attestation, attest } from './attest.ts';
import type { RecordEvidence } from './contract.ts';
import { type EvidenceQuery, listEvidence } from './evidence-list.ts';
import type { EvidenceParts } from './evidence-parts.ts';
import { recorderOf } from './evidence-recording.ts';
import { evidenceStore } from './evidence-store.ts';
import type { WaiverStep } from './waiver.ts';
import { waiverStore } from './waiver-store.ts';
import { type WaiverWish, decideWaiver, listWaivers, requestWaiver } from './waivers.ts';

/** What shows that checks hold, and the exceptions from them. What each use case throws is said where it is written. */
export interface EvidenceRoom {
  readonly record: RecordEvidence;
  list(caller: Caller, endpoint: string, query: EvidenceQuery): Promise<Page<Evidence>>;
  attest(caller: Caller, endpoint: string, wish: Attestation): Promise<Evidence>;
  listWaivers(caller: Caller, endpoint: string, query: PageQuery): Promise<Page<Waiver>>;
  requestWaiver(caller: Caller, endpoint: string, wish: WaiverWish): Promise<Waiver>;
  decideWaiver(
    caller: Caller,
    endpoint: string,
    waiver: string,
    decision: { readonly step: WaiverStep; readonly reason: string },
  ): Promise<Waiver>;
}

export function createEvidence(given: Omit<EvidenceParts, 'evidence' | 'waivers'>): EvidenceRoom {
  const parts: EvidenceParts = { ...given, evidence: evidenceStore, waivers: waiverStore };
  return {
    record: recorderOf(parts),
    list: async (caller, endpoint, query) => await listEvidence(parts, caller, endpoint, query),
    attest: async (caller, endpoint, wish) => await attest(parts, caller, endpoint, wish),
    listWaivers: async (caller, endpoint, query) => await listWaivers(parts, caller, endpoint, query),
    requestWaiver: async (caller, endpoint, wish) => await requestWaiver(parts, caller, endpoint, wish),
    decideWaiver: async (caller, endpoint, waiver, decision) =>
      await decideWaiver(parts, caller, endpoint, waiver, decision),
  };
}
