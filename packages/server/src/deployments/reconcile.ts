import { type Change, beginChange, isChanged, put } from './change.ts';
import { type DeploymentRecord, isPresent, isWanted, stayingReplicas } from './deployment.ts';
import type { EndpointState } from './endpoint.ts';
import type { Observed } from './observation.ts';
import { type PlacedDeployment, type Placement, type PlacementLimits, placeReplicas } from './placement.ts';
import { type ReconcilePolicy, hasOwnRunners, reconcileDeployment } from './reconcile-deployment.ts';
import { endDeployment } from './roll-out.ts';

export interface ReconcileInput {
  /** Every endpoint that has deployments or is not deleted. */
  readonly desired: readonly EndpointState[];
  readonly observed: Observed;
  readonly policy: ReconcilePolicy;
  readonly limits: PlacementLimits;
  readonly now: number;
}

/**
 * The decision of the reconciler, pure: what is wished and what is seen → what has to be written. It looks at levels,
 * never at events, so nothing depends on having seen a change; called again it answers nothing new.
 *
 * Runners and routing tables do not appear: both are pure functions of the state that is written here
 * (`runnerWishes`, `routedEndpoint`), so a restart between any two steps ends in the same place.
 */
export function reconcile(input: ReconcileInput): readonly Change[] {
  const changes = input.desired.map((state) => reconcileEndpoint(state, input));
  place(changes, input);
  return changes.filter(isChanged);
}

function reconcileEndpoint(state: EndpointState, { observed, policy, now }: ReconcileInput): Change {
  const change = beginChange(state);
  for (const { id } of state.deployments) {
    // Looked up again: what another deployment of the endpoint did may have changed it.
    const deployment = change.after.deployments.find((candidate) => candidate.id === id);
    if (deployment === undefined) continue;
    if (state.endpoint.deletedAt !== null && isPresent(deployment))
      endDeployment(change, deployment, now, 'the endpoint was deleted');
    else reconcileDeployment(change, deployment, observed, policy, now);
  }
  return change;
}

/** Completes the assignment of replicas to runners over all endpoints, where any lacks something. */
function place(changes: readonly Change[], { observed, policy, limits, now }: ReconcileInput): void {
  const all = changes.flatMap((change) => change.after.deployments.map((deployment) => ({ change, deployment })));
  const bytesOf = (deployment: DeploymentRecord): number =>
    Math.max(
      deployment.served.sizeBytes,
      ...deployment.replicas.map((replica) => observed.replicas.get(replica.id)?.memoryBytes ?? 0),
    );
  const isOwn = (deployment: DeploymentRecord): boolean =>
    hasOwnRunners(deployment) || deployment.served.sizeBytes > policy.heavyBytes;
  const count = (deployment: DeploymentRecord): number =>
    isWanted(deployment) && (deployment.retryAt === null || deployment.retryAt <= now)
      ? deployment.settings.replicas
      : 0;
  const needs = all.some(({ deployment }) => {
    const staying = stayingReplicas(deployment);
    return (
      count(deployment) > staying.length ||
      (isOwn(deployment) && isWanted(deployment) && staying.some((replica) => replica.runnerKind === 'pack'))
    );
  });
  if (!needs) return;

  const deployments: PlacedDeployment[] = all.map(({ change, deployment }) => ({
    id: deployment.id,
    team: change.after.endpoint.team,
    replicas: count(deployment),
    isOwn: isOwn(deployment),
    bytes: bytesOf(deployment),
    nextReplica: deployment.nextReplica,
  }));
  const placements: Placement[] = all.flatMap(({ deployment }) =>
    deployment.replicas.map((replica) => ({ ...replica, deployment: deployment.id })),
  );
  const { added, leaving } = placeReplicas(
    deployments,
    placements,
    (runner) => !observed.failedRunners.has(runner),
    limits,
  );
  apply(all, added, new Set(leaving), now);
}

function apply(
  all: readonly { readonly change: Change; readonly deployment: DeploymentRecord }[],
  added: readonly Placement[],
  leaving: ReadonlySet<string>,
  now: number,
): void {
  const byDeployment = Map.groupBy(added, (placement) => placement.deployment);
  for (const { change, deployment } of all) {
    const own = byDeployment.get(deployment.id) ?? [];
    if (own.length === 0 && !deployment.replicas.some((replica) => leaving.has(replica.id))) continue;
    const kept = deployment.replicas.flatMap((replica) => {
      if (!leaving.has(replica.id)) return [replica];
      return replica.readyAt === null ? [] : [{ ...replica, isLeaving: true }];
    });
    const fresh = own.map(({ id, runner, runnerKind }) => ({
      id,
      runner,
      runnerKind,
      isLeaving: false,
      createdAt: now,
      readyAt: null,
    }));
    put(change, { ...deployment, replicas: [...kept, ...fresh], nextReplica: deployment.nextReplica + own.length });
  }
}
