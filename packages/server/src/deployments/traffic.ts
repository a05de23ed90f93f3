import type { DeploymentRole } from '@muster-ml/protocol';
import type { Change } from './change.ts';
import type { Decision, DeploymentRecord } from './deployment.ts';
import type { EndpointState } from './endpoint.ts';
import { routedDeployments, shareOf } from './routed-endpoint.ts';

/**
 * What an endpoint's requests get, as the history keeps it: each deployment of the routing table that answers, with its
 * role and share. What is quarantined answers nobody: it stands in the table to say so, and has no traffic.
 */
export interface Traffic {
  readonly deployment: DeploymentRecord;
  readonly role: DeploymentRole;
  readonly sharePercent: number;
}

/** The traffic of an endpoint: a pure function of its state, as the routing table is. */
export function trafficOf(state: EndpointState | undefined): readonly Traffic[] {
  if (state === undefined || state.endpoint.deletedAt !== null) return [];
  return routedDeployments(state)
    .filter((deployment) => deployment.state !== 'quarantined')
    .map((deployment) => ({ deployment, role: deployment.role, sharePercent: shareOf(state, deployment) }));
}

/** Why traffic moved: a decision, or what happened without one. */
export type Cause =
  | { readonly decision: Decision; readonly why: null }
  | {
      /** What the reconciler wrote of it, if it did. */
      readonly entry: { readonly action: string; readonly seq: number } | null;
      readonly why: UndecidedEnd;
    };

/** What ends traffic without anybody's decision: `no-replica` where none was left to route to. */
export type UndecidedEnd = 'quarantined' | 'no-replica';

/** What of an endpoint's traffic ended and began with one change. */
export interface TrafficMove {
  readonly ended: readonly { readonly deploymentId: string; readonly cause: Cause }[];
  readonly begun: readonly (Traffic & { readonly decision: Decision | null })[];
}

/** What of a change the ledger keeps: the decision that it is, and the entries that the reconciler wrote with it. */
export interface Written {
  /** Undefined where the change is the reconciler's. */
  readonly decision: Decision | undefined;
  readonly entries: readonly { readonly action: string; readonly deploymentId: unknown; readonly seq: number }[];
}

/**
 * How a change moves traffic, and who decided that; undefined where it moves none.
 *
 * What somebody decides moves by that decision. What the reconciler moves was decided earlier: a deployment that takes
 * its traffic carries its decision, and what makes room for it ends, or goes on at another share, by the same one. Where
 * nobody decided, because a canary crashed or lost its replicas, live goes back to what was decided about itself.
 */
export function trafficMove(change: Pick<Change, 'before' | 'after'>, written: Written): TrafficMove | undefined {
  const [before, after] = [trafficOf(change.before), trafficOf(change.after)];
  const ended = before.filter((one) => !after.some((other) => isSame(one, other)));
  const begun = after.filter((one) => !before.some((other) => isSame(one, other)));
  if (ended.length === 0 && begun.length === 0) return undefined;
  const { decision } = written;
  const canary = begun.find(({ role }) => role === 'canary')?.deployment;
  const wasLive = (deployment: DeploymentRecord): boolean =>
    before.some((one) => one.role === 'live' && one.deployment.id === deployment.id);

  const decided = ({ deployment, role }: Traffic): Decision | null => {
    if (decision !== undefined) return decision;
    return (role === 'live' && wasLive(deployment) ? canary : undefined)?.decision ?? deployment.decision;
  };
  const cause = (end: Traffic): Cause => {
    const { deployment, role } = end;
    // Who takes the role over, or what is beside live from now on.
    const next = begun.find((one) => one.role === role);
    const isOnlyAnotherShare = next?.deployment.id === deployment.id;
    const by = decision ?? (next === undefined || (isOnlyAnotherShare && canary === undefined) ? null : decided(next));
    if (by !== null) return { decision: by, why: null };
    // Live goes on at another share because of how the canary ended.
    const lost = isOnlyAnotherShare ? (ended.find((one) => one.role === 'canary') ?? end) : end;
    return undecided(lost.deployment, change.after, written);
  };
  return {
    ended: ended.map((end) => ({ deploymentId: end.deployment.id, cause: cause(end) })),
    begun: begun.map((begin) => ({ ...begin, decision: decided(begin) })),
  };
}

function isSame(one: Traffic, other: Traffic): boolean {
  return (
    one.deployment.id === other.deployment.id && one.role === other.role && one.sharePercent === other.sharePercent
  );
}

function undecided({ id }: DeploymentRecord, after: EndpointState, { entries }: Written): Cause {
  const isQuarantined = after.deployments.some(
    (deployment) => deployment.id === id && deployment.state === 'quarantined',
  );
  const entry = entries.find(({ deploymentId }) => deploymentId === id);
  return {
    entry: entry === undefined ? null : { action: entry.action, seq: entry.seq },
    why: isQuarantined ? 'quarantined' : 'no-replica',
  };
}

/** Deployments that a change decides about: new ones, and those that it gives another role or share. */
export function decidedDeployments({ before, after }: Pick<Change, 'before' | 'after'>): readonly string[] {
  const known = new Map(before?.deployments.map((deployment) => [deployment.id, deployment]));
  return after.deployments
    .filter((deployment) => {
      const old = known.get(deployment.id);
      return old?.role !== deployment.role || old.sharePercent !== deployment.sharePercent;
    })
    .map(({ id }) => id);
}
