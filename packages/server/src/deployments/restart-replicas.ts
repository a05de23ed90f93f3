import { MusterError } from '@muster-ml/protocol';
import type { Caller } from '../identity/index.ts';
import { type DeploymentParts, changeEndpoint } from './change-endpoint.ts';
import { named, put, say } from './change.ts';
import { isWanted, release } from './deployment.ts';

/**
 * Starts every replica of an endpoint anew, so that it gets what is read at a start only. The old ones answer until the new
 * ones do, and go on if the new ones do not come. Throws `endpoint_not_found`, `not_allowed`, `endpoint_not_ready` where
 * nothing runs.
 */
export async function restartReplicas(parts: DeploymentParts, caller: Caller, name: string): Promise<void> {
  await changeEndpoint(parts, caller, 'endpoint.deploy', name, (change) => {
    const running = change.after.deployments.filter(isWanted);
    if (running.length === 0) throw new MusterError('endpoint_not_ready', `nothing runs under ${name}`);
    for (const deployment of running) {
      put(change, { ...release(deployment), retryAt: null });
      say(change, 'info', deployment, 'restart', `${named(deployment)} is started anew`);
    }
    return { result: undefined, ctx: { restarts: running.map(({ id }) => id) } };
  });
}
