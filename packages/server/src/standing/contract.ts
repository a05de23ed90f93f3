import type { StandingEvent, StandingName } from '@muster-ml/protocol';
import type { LedgerActor, NewEntry } from '../ledger/index.ts';
import type { Tx } from '../platform/database/index.ts';

/** Where an endpoint stands; one without a record was never submitted. */
export interface StandingRecord {
  readonly endpointId: string;
  readonly state: Exclude<StandingName, 'none'>;
  readonly since: number;
  /** When it first was in production. */
  readonly firstAt: number | null;
  readonly reasons: readonly string[];
  /** The submission that counts or waits. */
  readonly submission: string | null;
  readonly model: string | null;
  readonly version: number | null;
}

/** A change of standing, with whoever caused it. */
export interface StandingChange {
  readonly endpoint: { readonly id: string; readonly name: string; readonly team: string };
  readonly what: StandingEvent['what'];
  /** The record of now, where it changes. */
  readonly becomes?: Omit<StandingRecord, 'endpointId' | 'firstAt'> | undefined;
  readonly reasons: readonly string[];
  readonly model: string | null;
  readonly version: number | null;
  /** Of a submission: how many people still have to approve it. */
  readonly approvalsLeft?: number | undefined;
  /** `system` where nobody decided it. */
  readonly actor: LedgerActor;
  /** Action of the ledger: `readiness.submit`, `readiness.approve`, `system.standing.lapsed`. */
  readonly action: NewEntry['action'];
  readonly request: string;
  readonly at: number;
  /** Facts for the ledger: digests, never texts of people. */
  readonly ctx: Readonly<Record<string, unknown>>;
}

/** The version and settings that would be live. */
export interface LiveWish {
  readonly endpoint: { readonly id: string; readonly name: string };
  readonly model: string;
  readonly version: number;
  /** `servedDigestOf` of it. */
  readonly servedDigest: string;
}

/** What other rooms use of standing. */
export interface Standings {
  /** Records of some endpoints, by id. */
  of(endpointIds: readonly string[], tx?: Tx): Promise<ReadonlyMap<string, StandingRecord>>;
  /** Writes record, event, audit entry and notification; answers the number of the entry. The first grant lets access rules take effect, so gateways hear of it. */
  change(tx: Tx, change: StandingChange): Promise<number>;
  /**
   * In `prod`, once an endpoint has stood: throws `standing_required` unless the wish is what was approved (or was live
   * while it stood). Canaries, shadows and rollbacks are never asked.
   */
  refuseLive(tx: Tx, wish: LiveWish): Promise<void>;
  /** In `prod`, throws `standing_lapsed` for an endpoint that lapsed: it takes no new callers. */
  refuseNewCallers(tx: Tx, endpointName: string): Promise<void>;
  /**
   * In `prod`: endpoints that never stood, by name with their team. Access rules let members of that team call them, and
   * nobody else yet. Elsewhere empty.
   */
  heldBack(): Promise<ReadonlyMap<string, string>>;
}
