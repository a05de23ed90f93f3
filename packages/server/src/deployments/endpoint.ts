import type { DeploymentRole, EndpointLimits, Objective } from '@muster-ml/protocol';
import { type DeploymentRecord, isPresent, isServing } from './deployment.ts';

/** The stable name that applications call. */
export interface EndpointRecord {
  readonly id: string;
  /** Unique among the endpoints that are not deleted. */
  readonly name: string;
  readonly team: string;
  /** `observed`: something else serves it, and nothing is deployed under it. */
  readonly kind: 'served' | 'observed';
  /** Id of the actor to ask about it. */
  readonly owner: string;
  readonly useCaseId: string | null;
  readonly objective: Objective | null;
  /** Address of a page. */
  readonly runbook: string | null;
  readonly description: string;
  readonly tags: Readonly<Record<string, string>>;
  readonly limits: EndpointLimits;
  /** Rises with each update; the ETag. */
  readonly revision: number;
  /** Epoch of the last change of anything under it: who saves names the one that it has read. */
  readonly touched: number;
  readonly createdAt: number;
  readonly createdBy: string;
  readonly deletedAt: number | null;
}

/**
 * An endpoint with its deployments that have not ended: what every decision reads, and what it answers, changed.
 * At most one deployment a role serves, and at most one starts.
 */
export interface EndpointState {
  readonly endpoint: EndpointRecord;
  /** Oldest first. */
  readonly deployments: readonly DeploymentRecord[];
}

/** The deployment that has the traffic of a role. */
export function servingOf(state: EndpointState, role: DeploymentRole): DeploymentRecord | undefined {
  return state.deployments.find((deployment) => deployment.role === role && isServing(deployment));
}

/** The deployment that is on its way to take the traffic of a role. */
export function startingOf(state: EndpointState, role: DeploymentRole): DeploymentRecord | undefined {
  return state.deployments.find((deployment) => deployment.role === role && deployment.state === 'starting');
}

/** Deployments of a role that the next wish for the role clears away: unfinished, failed, or kept from traffic. */
export function unfinishedOf(state: EndpointState, role: DeploymentRole): readonly DeploymentRecord[] {
  return state.deployments.filter(
    (deployment) => deployment.role === role && isPresent(deployment) && !isServing(deployment),
  );
}

/** The state with one deployment changed or added. */
export function withDeployment(state: EndpointState, changed: DeploymentRecord): EndpointState {
  const known = state.deployments.some((deployment) => deployment.id === changed.id);
  const deployments = known
    ? state.deployments.map((deployment) => (deployment.id === changed.id ? changed : deployment))
    : [...state.deployments, changed];
  return { ...state, deployments };
}
