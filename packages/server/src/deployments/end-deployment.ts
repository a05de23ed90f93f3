import { MusterError } from '@muster-ml/protocol';
import type { Caller } from '../identity/index.ts';
import { type DeploymentParts, changeEndpoint } from './change-endpoint.ts';
import { isPresent, isServing } from './deployment.ts';
import { endDeployment } from './roll-out.ts';

/**
 * Ends a canary or a shadow, or gives up a live one that has not taken the traffic. Throws `deployment_not_found`, and
 * `deployment_is_live` for the one that answers. One that has ended already is left as it is.
 */
export async function endDeploymentById(
  parts: DeploymentParts,
  caller: Caller,
  name: string,
  id: string,
): Promise<void> {
  await changeEndpoint(parts, caller, 'endpoint.deploy', name, async (change, tx, now) => {
    const deployment =
      change.after.deployments.find((candidate) => candidate.id === id) ?? (await parts.store.deployment(id, tx));
    if (deployment === undefined || deployment.endpointId !== change.after.endpoint.id)
      throw new MusterError('deployment_not_found', `${name} has no deployment ${id}`);
    if (isServing(deployment) && deployment.role === 'live')
      throw new MusterError('deployment_is_live', `deployment ${id} is what ${name} answers with`);
    if (isPresent(deployment)) endDeployment(change, deployment, now, 'it was ended on demand');
    return {
      result: undefined,
      ctx: { deployment: id, role: deployment.role, model: deployment.served.model, version: deployment.served.number },
    };
  });
}
