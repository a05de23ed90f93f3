import type { DeploymentRole } from '@muster-ml/protocol';
import type { RoutedDeployment, RoutedEndpoint } from '../serving/index.ts';
import { type DeploymentRecord, routedReplicas } from './deployment.ts';
import { type EndpointState, servingOf } from './endpoint.ts';

/** Most rows of a merged run where the owner says nothing; what a model really gains from, the gateway finds out. */
const defaultMergedRows = 64;

/**
 * What the routing table says of an endpoint: a pure function of its state. Undefined once it is deleted. Canary and
 * shadow stand beside a live one only, and only with replicas that have answered: otherwise their share would go to nothing. Without a live one the endpoint is there with nothing deployed, so that the
 * gateway can say that it is not ready rather than that it does not exist.
 */
export function routedEndpoint(
  state: EndpointState,
  addressOf: (runner: string) => string,
): RoutedEndpoint | undefined {
  const { endpoint } = state;
  if (endpoint.deletedAt !== null) return undefined;
  return {
    name: endpoint.name,
    team: endpoint.team,
    timeoutMs: endpoint.limits.timeoutMs,
    bodyBytes: endpoint.limits.bodyBytes,
    queue: endpoint.limits.queue,
    deployments: routedDeployments(state).map((deployment) =>
      routedDeployment(deployment, shareOf(state, deployment), addressOf),
    ),
  };
}

/** The deployments that get requests or copies: at most one a role. */
export function routedDeployments(state: EndpointState): readonly DeploymentRecord[] {
  const live = servingOf(state, 'live');
  if (live === undefined) return [];
  const beside = (role: DeploymentRole): DeploymentRecord[] => {
    const serving = servingOf(state, role);
    return serving === undefined || routedReplicas(serving).length === 0 ? [] : [serving];
  };
  return [live, ...beside('canary'), ...beside('shadow')];
}

/** Percent of the requests that a deployment answers, or gets copies of: live gets what the canary leaves that is routed. */
export function shareOf(state: EndpointState, deployment: DeploymentRecord): number {
  if (deployment.role !== 'live') return deployment.sharePercent;
  return 100 - (routedDeployments(state).find(({ role }) => role === 'canary')?.sharePercent ?? 0);
}

function routedDeployment(
  deployment: DeploymentRecord,
  sharePercent: number,
  addressOf: (runner: string) => string,
): RoutedDeployment {
  const { served, settings } = deployment;
  return {
    id: deployment.id,
    role: deployment.role,
    sharePercent,
    model: served.model,
    version: String(served.number),
    runtime: served.runtime,
    digest: served.digest,
    signature: served.signature,
    maxRows: settings.batching.maxRows ?? defaultMergedRows,
    ...(settings.batching.maxRows === undefined ? {} : { maxRequestRows: settings.batching.maxRows }),
    waitMs: settings.batching.waitMs,
    replicas:
      deployment.state === 'quarantined'
        ? []
        : routedReplicas(deployment).map((replica) => ({ id: replica.id, address: addressOf(replica.runner) })),
    ...(deployment.state === 'quarantined' ? { quarantined: deployment.problem?.detail ?? 'quarantined' } : {}),
  };
}
