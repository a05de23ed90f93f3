import { MusterError, type Problem, toProblem } from '@muster-ml/protocol';
import { named } from './change.ts';
import type { DeploymentRecord } from './deployment.ts';

/** How the operation of a wish ends that a later wish replaced. */
export function superseded(
  deployment: DeploymentRecord,
  reason = 'a later change of the endpoint replaced this one',
): Problem {
  return toProblem(new MusterError('superseded', `${named(deployment)}: ${reason}`));
}
