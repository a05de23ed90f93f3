import type { Level, RiskTier, StandingEvent, Submission } from '@muster-ml/protocol';
import type { StandingRecord } from './contract.ts';

/** The tables of this room, as sql/0012-standing.sql makes them. */
export type StandingTables = {
  standing: {
    /** Id of an endpoint. */
    endpoint: string;
    state: StandingRecord['state'];
    since: number;
    first_at: number | null;
    /** JSON: sentences. */
    reasons: string;
    submission: string | null;
    model: string | null;
    version: number | null;
    /** The end of a verdict that was told of before it came. */
    ends_told: number | null;
  };
  standing_event: {
    id: string;
    endpoint: string;
    at: number;
    what: StandingEvent['what'];
    reasons: string;
    model: string | null;
    version: number | null;
    actor: string | null;
    entry: number;
  };
  submission: {
    id: string;
    endpoint: string;
    model: string;
    version: number;
    level: Level;
    risk_tier: RiskTier | null;
    state: Submission['state'];
    why: string | null;
    note: string;
    served_digest: string;
    subject_digest: string;
    evidence_digest: string;
    approvals_needed: number;
    /** JSON: ids of who may not approve it. */
    authors: string;
    submitted_at: number;
    submitted_by: string;
    ended_at: number | null;
  };
  approval: { submission: string; actor: string; at: number; reason: string; entry: number };
};
