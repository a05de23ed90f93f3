import { type Check, MusterError, type Waiver, maxWaiverDays } from '@muster-ml/protocol';
import { digestOf } from '../ledger/index.ts';
import type { AboutEndpoint } from './evidence-parts.ts';

/** Somebody did something, then. */
interface Act {
  readonly by: string;
  readonly at: number;
}

/** A named, reasoned exception from a check, which ends by itself. */
export interface WaiverRecord {
  /** Sorts by time. */
  readonly id: string;
  /** Id of the endpoint. */
  readonly endpointId: string;
  readonly check: string;
  readonly reason: string;
  readonly until: number;
  /** `expired` is not stored: it follows from `until`. */
  readonly state: Exclude<Waiver['state'], 'expired'>;
  readonly requested: Act;
  readonly decided: (Act & { readonly reason: string }) | null;
}

const dayMs = 86_400_000;
/** Clocks differ: somebody who counts 90 days from their now is not refused. */
const clocksDifferMs = 5 * 60_000;

/** The state as it is now. */
export function stateOf({ state, until }: Pick<WaiverRecord, 'state' | 'until'>, now: number): Waiver['state'] {
  return (state === 'requested' || state === 'approved') && until <= now ? 'expired' : state;
}

/** When a waiver ends that is asked for now. Throws `invalid_request`. Pure. */
export function endOf(until: string, now: number): number {
  const wished = Date.parse(until);
  const last = now + maxWaiverDays * dayMs;
  if (wished > now && wished <= last + clocksDifferMs) return Math.min(wished, last);
  throw new MusterError(
    'invalid_request',
    wished <= now ? `${until} is over already` : `${until} is more than ${maxWaiverDays} days away`,
    { place: 'body.until', remedy: `Name a time until ${new Date(last).toISOString()}.` },
  );
}

/** Throws `waiver_not_allowed`. Pure. */
export function refuseUnwaivable(check: Check, { kind, name }: Pick<AboutEndpoint, 'kind' | 'name'>): void {
  if (!check.appliesTo.includes(kind))
    throw new MusterError('waiver_not_allowed', `${check.id} does not apply to what something else serves`, {
      remedy: 'Nothing is to be done.',
    });
  if (check.waivable) return;
  throw new MusterError('waiver_not_allowed', `nobody may be excepted from ${check.id}: ${check.title}`, {
    remedy: `Meet it: ${check.remedy.replaceAll('ENDPOINT', name)}`,
  });
}

export type WaiverStep = 'approved' | 'rejected' | 'revoked';

const from = {
  approved: ['requested'],
  rejected: ['requested'],
  revoked: ['requested', 'approved'],
} as const satisfies Readonly<Record<WaiverStep, readonly Waiver['state'][]>>;

/** What a decision makes of a waiver. Throws `waiver_state`. Pure. */
export function decidedWaiver(
  before: WaiverRecord,
  step: WaiverStep,
  decided: NonNullable<WaiverRecord['decided']>,
): WaiverRecord {
  const state = stateOf(before, decided.at);
  if ((from[step] as readonly Waiver['state'][]).includes(state)) return { ...before, state: step, decided };
  throw new MusterError(
    'waiver_state',
    state === 'expired'
      ? `the waiver of ${before.check} ended at ${new Date(before.until).toISOString()}`
      : `the waiver of ${before.check} is ${state}; only one that is ${from[step].join(' or ')} can be ${step}`,
    state === 'expired' ? { remedy: `Ask for another: muster waiver request ENDPOINT ${before.check}.` } : {},
  );
}

/** Digest of it for the ledger: what people wrote stays out of there. */
export function waiverDigest({ check, reason, until, state, requested, decided }: WaiverRecord): string {
  return digestOf({
    check,
    reason,
    until,
    state,
    requestedBy: requested.by,
    decidedBy: decided?.by ?? null,
    decidedReason: decided?.reason ?? null,
  });
}

export function renderWaiver(
  waiver: WaiverRecord,
  endpoint: Pick<AboutEndpoint, 'name' | 'team'>,
  { names, now }: { readonly names: ReadonlyMap<string, string>; readonly now: number },
): Waiver {
  const { id, check, reason, until, requested, decided } = waiver;
  const act = ({ by, at }: Act): Waiver['requested'] => ({
    by: { id: by, name: names.get(by) ?? null },
    at: new Date(at).toISOString(),
  });
  return {
    id,
    endpoint: endpoint.name,
    team: endpoint.team,
    check,
    reason,
    until: new Date(until).toISOString(),
    state: stateOf(waiver, now),
    requested: act(requested),
    decided: decided === null ? null : { ...act(decided), reason: decided.reason },
  };
}

/** The error of a waiver that this endpoint does not have. */
export function waiverNotFound(endpoint: string, id: string): MusterError {
  return new MusterError('waiver_not_found', `${endpoint} has no waiver ${id}`);
}
