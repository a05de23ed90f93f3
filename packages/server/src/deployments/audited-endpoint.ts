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
