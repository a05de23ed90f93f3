import { endpointLimitsSchema, servingSettingsSchema } from '@muster-ml/protocol';
import type { Decision, DeploymentRecord } from '../../src/deployments/deployment.ts';
import type { EndpointState } from '../../src/deployments/endpoint.ts';
import { anyVersion } from './deployments-room.ts';

/** The decision to deploy. */
export function aDecision(by: string, entry: number): Decision {
  return { by, action: 'endpoint.deploy', entry };
}

/** A deployment that answers, with a warm replica; `live-3` is version 3. */
export function aDeployment(
  id: string,
  role: DeploymentRecord['role'],
  sharePercent: number,
  decision: Decision | null,
): DeploymentRecord {
  return {
    id,
    endpointId: 'e1',
    role,
    sharePercent,
    state: 'ready',
    served: anyVersion('churn', Number(id.split('-')[1])),
    settings: servingSettingsSchema.parse({}),
    isForced: false,
    ownReason: null,
    attempts: 0,
    retryAt: null,
    nextReplica: 1,
    isRollback: false,
    previousId: null,
    operationId: null,
    problem: null,
    createdAt: 1,
    createdBy: decision?.by ?? 'ana',
    decision,
    readyAt: 1,
    servingSince: 1,
    endedAt: null,
    replicas: [{ id: `${id}.0`, runner: `${id}.0`, runnerKind: 'pack', isLeaving: false, createdAt: 1, readyAt: 1 }],
  };
}

/** The endpoint `fraud` with these deployments. */
export function aState(...deployments: readonly DeploymentRecord[]): EndpointState {
  return {
    endpoint: {
      id: 'e1',
      name: 'fraud',
      team: 'default',
      kind: 'served',
      owner: 'ana',
      useCaseId: null,
      objective: null,
      runbook: null,
      description: '',
      tags: {},
      limits: endpointLimitsSchema.parse({}),
      revision: 1,
      touched: 1,
      createdAt: 1,
      createdBy: 'ana',
      deletedAt: null,
    },
    deployments,
  };
}
