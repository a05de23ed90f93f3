import type { Caller } from '../identity/index.ts';
import { type DeploymentParts, changeEndpoint } from './change-endpoint.ts';
import { say } from './change.ts';
import { isPresent } from './deployment.ts';
import { endDeployment } from './roll-out.ts';

/**
 * Ends an endpoint: its name is free at once, its access rules end with it, requests that it has accepted are answered,
 * its versions and history stay.
 */
export async function deleteEndpoint(parts: DeploymentParts, caller: Caller, name: string): Promise<void> {
  await changeEndpoint(parts, caller, 'endpoint.delete', name, async (change, tx, now) => {
    for (const deployment of change.after.deployments) {
      if (isPresent(deployment)) endDeployment(change, deployment, now, 'the endpoint was deleted');
    }
    change.after = { ...change.after, endpoint: { ...change.after.endpoint, deletedAt: now } };
    await parts.identity.endpointEnded(tx, name);
    say(change, 'info', null, 'deleted', `endpoint ${name} was deleted`);
    return { result: undefined, ctx: { deployments: change.after.deployments.length } };
  });
}
