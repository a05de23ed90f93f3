import type { Deployment, Endpoint, Follow, Problem } from '@muster-ml/protocol';

/** An endpoint's wish to serve whatever an alias of an MLflow server names. */
export interface FollowRecord {
  readonly endpoint: string;
  readonly team: string;
  readonly server: string;
  readonly sourceModel: string;
  readonly alias: string;
  /** The model here that gets the copies. */
  readonly model: string;
  /** The version there that was last acted upon: only a move of the alias leads to a deployment, so a rollback here stays. */
  readonly version: string | null;
  /** The version there that could not be copied or deployed, and when it is tried again. */
  readonly failedVersion: string | null;
  readonly retryAt: number | null;
  readonly problem: Problem | null;
  readonly checkedAt: number | null;
  readonly setAt: number;
  readonly setBy: string;
}

/** After a failure the same version is tried again after this time, in case the cause was here. */
export const retryMs = 10 * 60_000;

/** What follows from what the alias names now. */
export type FollowStep = 'nothing' | 'deploy';

/**
 * Whether the version that the alias names is to be copied and deployed: it is another than the one that was acted upon,
 * and not one that failed a moment ago. `live` is the version there that the live version here is a copy of, if it is one.
 */
export function nextStep(follow: FollowRecord, named: string, live: string | undefined, now: number): FollowStep {
  if (named === follow.version) return 'nothing';
  if (named === follow.failedVersion && follow.retryAt !== null && now < follow.retryAt) return 'nothing';
  // Deployed by hand just before it was followed.
  if (follow.version === null && named === live) return 'nothing';
  return 'deploy';
}

/** Whether it is a wish for this endpoint, not for one of the same name that was deleted before this one was made. */
export function isOf(follow: FollowRecord, { createdAt }: Pick<Endpoint, 'createdAt'>): boolean {
  return follow.setAt > Date.parse(createdAt);
}

/** Whether both are for the same alias and the same model here. */
export function isSameWish(one: FollowRecord, other: FollowRecord): boolean {
  const keys = ['server', 'sourceModel', 'alias', 'model'] as const;
  return keys.every((key) => one[key] === other[key]);
}

/** What is live under an endpoint, or is about to be. */
export function liveOf({ deployments }: Pick<Endpoint, 'deployments'>): Deployment | undefined {
  return deployments.find(({ role, state }) => role === 'live' && state !== 'draining' && state !== 'ended');
}

export function renderFollow(follow: FollowRecord): Follow {
  const { endpoint, server, sourceModel, alias, model, version, problem, checkedAt, setAt, setBy } = follow;
  return {
    endpoint,
    server,
    sourceModel,
    alias,
    model,
    version,
    problem: problem === null ? null : { ...problem },
    checkedAt: checkedAt === null ? null : new Date(checkedAt).toISOString(),
    setAt: new Date(setAt).toISOString(),
    setBy,
  };
}
