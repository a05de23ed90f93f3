import type { DeploymentRole, Problem, ServingSettings } from '@muster-ml/protocol';
import { MusterError, toProblem } from '@muster-ml/protocol';
import type { ServedVersion } from '../registry/index.ts';
import { type Change, endFailed, named, put, say } from './change.ts';
import { type DeploymentRecord, drain, fail } from './deployment.ts';
import { servingOf, unfinishedOf } from './endpoint.ts';
import { superseded } from './superseded.ts';

/** What a use case decides about a new deployment. */
export interface DeploymentWish {
  readonly id: string;
  readonly role: DeploymentRole;
  readonly sharePercent: number;
  readonly served: ServedVersion;
  readonly settings: ServingSettings;
  readonly isForced: boolean;
  readonly isRollback: boolean;
  /** For a rollback: what the one that it brings back had replaced. Otherwise null: it will be what serves then. */
  readonly previousId: string | null;
  readonly operationId: string;
  readonly createdBy: string;
}

/** Puts a new wish for a role in the place of all that has not come true yet. What serves goes on until it is ready. */
export function startDeployment(change: Change, wish: DeploymentWish, now: number): DeploymentRecord {
  clearUnfinished(change, wish.role, now);
  const deployment: DeploymentRecord = {
    id: wish.id,
    endpointId: change.after.endpoint.id,
    role: wish.role,
    sharePercent: wish.sharePercent,
    state: 'starting',
    served: wish.served,
    settings: wish.settings,
    isForced: wish.isForced,
    ownReason: null,
    attempts: 0,
    retryAt: null,
    nextReplica: 0,
    isRollback: wish.isRollback,
    previousId: wish.previousId,
    operationId: wish.operationId,
    problem: null,
    createdAt: now,
    createdBy: wish.createdBy,
    decision: null,
    readyAt: null,
    servingSince: null,
    endedAt: null,
    replicas: [],
  };
  put(change, deployment);
  say(change, 'info', deployment, 'deploy', `deploying ${named(deployment)}`);
  return deployment;
}

/** Ends what of a role is unfinished or failed, because a newer wish counts; its operation learns that. */
export function clearUnfinished(change: Change, role: DeploymentRole, now: number, except?: string): void {
  for (const deployment of unfinishedOf(change.after, role)) {
    if (deployment.id !== except) endDeployment(change, deployment, now, 'a later change of the endpoint replaced it');
  }
}

/** Ends a deployment, whatever it does now; an operation that waits for it fails as superseded, for the given reason. */
export function endDeployment(change: Change, deployment: DeploymentRecord, now: number, reason: string): void {
  endFailed(change, deployment, superseded(deployment, reason));
  put(change, drain(deployment, now));
  say(change, 'info', deployment, 'end', `ending ${named(deployment)}: ${reason}`);
}

/** Gives the traffic of its role to a deployment that is ready; the one that had it drains. */
export function takeTraffic(change: Change, deployment: DeploymentRecord, now: number): void {
  const old = servingOf(change.after, deployment.role);
  const replaces = old !== undefined && old.id !== deployment.id ? old : undefined;
  if (replaces !== undefined) {
    endFailed(change, replaces, superseded(replaces));
    put(change, drain(replaces, now));
  }
  const previousId =
    deployment.isRollback || replaces === undefined || deployment.role !== 'live'
      ? deployment.previousId
      : worthGoingBackTo(replaces);
  put(change, {
    ...deployment,
    state: 'ready',
    problem: null,
    attempts: 0,
    retryAt: null,
    readyAt: deployment.readyAt ?? now,
    servingSince: now,
    previousId,
  });
  say(
    change,
    'info',
    deployment,
    'ready',
    replaces === undefined
      ? `${named(deployment)} is ready`
      : `${named(deployment)} is ready and takes over from ${named(replaces)}`,
  );
  change.entries.push({
    action: 'system.deployment.serving',
    ctx: {
      deployment: deployment.id,
      role: deployment.role,
      model: deployment.served.model,
      version: deployment.served.number,
      replaces: replaces?.id ?? null,
    },
  });
}

/** What a rollback brings back: what was replaced, unless it had to be stopped itself. */
function worthGoingBackTo(replaced: DeploymentRecord): string | null {
  return replaced.state === 'quarantined' ? replaced.previousId : replaced.id;
}

/** Gives a deployment up that did not become ready. What was live before still is. */
export function giveUp(change: Change, deployment: DeploymentRecord, cause: Problem): void {
  const problem = toProblem(
    new MusterError('deployment_failed', `${named(deployment)} did not become ready: ${cause.detail}`, {
      remedy: cause.remedy,
      details: { cause: cause.code, ...cause.details },
    }),
  );
  endFailed(change, deployment, problem);
  put(change, fail(deployment, problem));
  say(change, 'error', deployment, 'failed', problem.detail);
  change.entries.push({
    action: 'system.deployment.failed',
    ctx: {
      deployment: deployment.id,
      model: deployment.served.model,
      version: deployment.served.number,
      code: cause.code,
    },
  });
}
