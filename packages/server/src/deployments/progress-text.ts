import type { DeploymentRecord } from './deployment.ts';
import type { SeenReplica } from './observation.ts';

/** What is being done for a deployment, for people. */
export function progressText(deployment: DeploymentRecord, seen: readonly (SeenReplica | undefined)[]): string {
  if (deployment.state !== 'starting') return 'moving traffic';
  if (deployment.replicas.length === 0) return 'waiting for a runner';
  // Before a replica loads, its runner may have an environment to make.
  const preparing = seen.find((replica) => replica?.progress !== undefined)?.progress;
  if (preparing !== undefined) return preparing;
  const ready = seen.filter((replica) => replica?.state === 'ready').length;
  return `loading: ${ready} of ${deployment.settings.replicas} replicas are ready`;
}
