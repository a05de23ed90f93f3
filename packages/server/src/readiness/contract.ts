import type { MusterError } from '@muster-ml/protocol';
import type { Caller } from '../identity/index.ts';
import type { Tx } from '../platform/database/index.ts';

/** What a drill found. */
export interface NewEvidence {
  readonly endpoint: { readonly id: string; readonly name: string; readonly team: string };
  readonly check: string;
  readonly source: 'drill' | 'person';
  readonly model: string | null;
  readonly version: number | null;
  readonly passed: boolean;
  readonly summary: string;
  /** camelCase, with units in the names. */
  readonly figures: Readonly<Record<string, number | string | boolean>>;
}

/** Records evidence with its audit entry; answers its id. The standing is judged again soon after. */
export type RecordEvidence = (tx: Tx, caller: Caller, evidence: NewEvidence) => Promise<string>;

/** Endpoints that a drill works on now are not judged: what they serve for its time is not what they are. */
export interface DrillHold {
  /** Throws what `busy` makes where one holds it already. */
  hold(endpointId: string, busy: () => MusterError): void;
  release(endpointId: string): void;
}
