import { MusterError, toProblem } from '@muster-ml/protocol';
import { type DeploymentParts, commitChange, inChange } from './change-endpoint.ts';
import { named, put, say } from './change.ts';
import { drain } from './deployment.ts';

/**
 * Gives up the wish that an operation stands for, when the operation is cancelled: what has not taken the traffic ends;
 * what has stays, because requests go there already. Who may cancel is decided where operations are cancelled.
 */
export async function cancelDeployment(parts: DeploymentParts, operationId: string): Promise<void> {
  const problem = toProblem(new MusterError('operation_cancelled', `operation ${operationId} was cancelled`));
  await inChange(parts, { operationId }, async (tx, change, epoch) => {
    const deployment = change?.after.deployments.find((candidate) => candidate.operationId === operationId);
    if (change === undefined || deployment === undefined) {
      await parts.operations.finish(tx, operationId, { state: 'cancelled', problem });
      return { change: undefined, result: undefined };
    }
    change.ends.push({ operationId, end: { state: 'cancelled', problem } });
    put(
      change,
      deployment.state === 'starting' ? drain(deployment, parts.clock.now()) : { ...deployment, operationId: null },
    );
    say(change, 'info', deployment, 'cancelled', `${named(deployment)} was cancelled`);
    const author = {
      actor: { kind: 'system', id: 'operations' },
      action: 'system.deployment.cancelled',
      request: operationId,
      ctx: { deployment: deployment.id },
    } as const;
    await commitChange(parts, tx, epoch, change, author);
    return { change, result: undefined };
  });
}
