import { digestOf } from '../ledger/index.ts';
import { isPresent } from './deployment.ts';
import type { EndpointState } from './endpoint.ts';

/**
 * Digest of what somebody decided about an endpoint, for `before` and `after` of audit entries. What only happens to it
 * (readiness, replicas, draining) is left out: it changes without an entry, and the last `after` must stay true.
 */
export function auditedDigest({ endpoint, deployments }: EndpointState): string {
  return digestOf({
    id: endpoint.id,
    name: endpoint.name,
    team: endpoint.team,
    // What endpoints had not always is left out where it says nothing: the last `after` of an old one stays true.
    ...(endpoint.kind === 'served' ? {} : { kind: endpoint.kind }),
    ...(endpoint.owner === endpoint.createdBy ? {} : { owner: endpoint.owner }),
    ...(endpoint.useCaseId === null ? {} : { useCase: endpoint.useCaseId }),
    ...(endpoint.objective === null ? {} : { objective: JSON.stringify(endpoint.objective) }),
    ...(endpoint.runbook === null ? {} : { runbook: endpoint.runbook }),
    description: endpoint.description,
    tags: endpoint.tags,
    limits: endpoint.limits,
    deleted: endpoint.deletedAt !== null,
    deployments: deployments.filter(isPresent).map(({ id, role, sharePercent, served }) => ({
      id,
      role,
      // The canonical form knows no fractions.
      sharePercent: String(sharePercent),
      model: served.model,
      version: served.number,
      digest: served.digest,
    })),
  });
}
