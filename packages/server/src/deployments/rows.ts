import {
  type DeploymentState,
  type EndpointEvent,
  type Problem,
  type ServingSettings,
  endpointLimitsSchema,
  objectiveSchema,
  servingSettingsSchema,
} from '@muster-ml/protocol';
import type { ServedVersion } from '../registry/index.ts';
import type { DeploymentRecord, OwnReason, ReplicaRecord } from './deployment.ts';
import type { EndpointRecord } from './endpoint.ts';
import type { UndecidedEnd } from './traffic.ts';

/** The tables of this room, as sql/0002-deployments.sql, sql/0010-history.sql and sql/0011-use-cases.sql make them. */
export type DeploymentTables = {
  deployment_clock: { id: number; epoch: number; table_base: number };
  endpoint: {
    id: string;
    name: string;
    team: string;
    kind: EndpointRecord['kind'];
    owner: string | null;
    use_case: string | null;
    objective: string | null;
    runbook: string | null;
    description: string;
    tags: string;
    limits: string;
    revision: number;
    touched: number;
    created_at: number;
    created_by: string;
    deleted_at: number | null;
    changed_at: number | null;
    changed_by: string | null;
    changed_action: string | null;
    changed_entry: number | null;
  };
  deployment: {
    id: string;
    endpoint: string;
    role: DeploymentRecord['role'];
    share_percent: number;
    state: DeploymentState;
    model: string;
    version: number;
    served: string;
    settings: string;
    is_forced: number;
    own_reason: OwnReason | null;
    attempts: number;
    retry_at: number | null;
    next_replica: number;
    is_rollback: number;
    previous: string | null;
    operation: string | null;
    problem: string | null;
    created_at: number;
    created_by: string;
    decided_by: string | null;
    decided_action: string | null;
    decided_entry: number | null;
    ready_at: number | null;
    serving_since: number | null;
    ended_at: number | null;
  };
  replica: {
    id: string;
    deployment: string;
    runner: string;
    runner_kind: 'pack' | 'own';
    is_leaving: number;
    created_at: number;
    ready_at: number | null;
  };
  endpoint_event: {
    id: string;
    endpoint: string;
    deployment: string | null;
    at: number;
    level: EndpointEvent['level'];
    what: string;
    message: string;
  };
  crash: { id: string; deployment: string; at: number; kind: 'suspected' | 'confirmed' | 'death' };
  quarantine: { model: string; version: number; deployment: string; at: number; reason: string };
  endpoint_history: {
    id: string;
    endpoint: string;
    name: string;
    team: string;
    deployment: string;
    model: string;
    version: number;
    role: DeploymentRecord['role'];
    share_percent: number;
    from_at: number;
    until_at: number | null;
    decided_by: string | null;
    decided_action: string | null;
    decided_entry: number | null;
    ended_by: string | null;
    ended_action: string | null;
    ended_entry: number | null;
    why: UndecidedEnd | null;
  };
};

export function endpointOf(row: DeploymentTables['endpoint']): EndpointRecord {
  return {
    id: row.id,
    name: row.name,
    team: row.team,
    kind: row.kind,
    owner: row.owner ?? row.created_by,
    useCaseId: row.use_case,
    objective: row.objective === null ? null : objectiveSchema.parse(JSON.parse(row.objective)),
    runbook: row.runbook,
    description: row.description,
    tags: JSON.parse(row.tags) as Record<string, string>,
    // Through the schema, so that a limit that is newer than the row gets its default.
    limits: endpointLimitsSchema.parse(JSON.parse(row.limits)),
    revision: row.revision,
    touched: row.touched,
    createdAt: row.created_at,
    createdBy: row.created_by,
    deletedAt: row.deleted_at,
  };
}

/** Without the last decision, which is written when the ledger has given it a number. */
export function endpointRow(
  endpoint: EndpointRecord,
): Omit<DeploymentTables['endpoint'], `changed_${'at' | 'by' | 'action' | 'entry'}`> {
  return {
    id: endpoint.id,
    name: endpoint.name,
    team: endpoint.team,
    kind: endpoint.kind,
    owner: endpoint.owner,
    use_case: endpoint.useCaseId,
    objective: endpoint.objective === null ? null : JSON.stringify(endpoint.objective),
    runbook: endpoint.runbook,
    description: endpoint.description,
    tags: JSON.stringify(endpoint.tags),
    limits: JSON.stringify(endpoint.limits),
    revision: endpoint.revision,
    touched: endpoint.touched,
    created_at: endpoint.createdAt,
    created_by: endpoint.createdBy,
    deleted_at: endpoint.deletedAt,
  };
}

export function deploymentOf(
  row: DeploymentTables['deployment'],
  replicas: readonly DeploymentTables['replica'][],
): DeploymentRecord {
  return {
    id: row.id,
    endpointId: row.endpoint,
    role: row.role,
    sharePercent: row.share_percent,
    state: row.state,
    served: JSON.parse(row.served) as ServedVersion,
    settings: servingSettingsSchema.parse(JSON.parse(row.settings)) satisfies ServingSettings,
    isForced: row.is_forced === 1,
    ownReason: row.own_reason,
    attempts: row.attempts,
    retryAt: row.retry_at,
    nextReplica: row.next_replica,
    isRollback: row.is_rollback === 1,
    previousId: row.previous,
    operationId: row.operation,
    problem: row.problem === null ? null : (JSON.parse(row.problem) as Problem),
    createdAt: row.created_at,
    createdBy: row.created_by,
    decision:
      row.decided_by === null ? null : { by: row.decided_by, action: row.decided_action, entry: row.decided_entry },
    readyAt: row.ready_at,
    servingSince: row.serving_since,
    endedAt: row.ended_at,
    replicas: replicas.map(replicaOf),
  };
}

export function deploymentRow(deployment: DeploymentRecord): DeploymentTables['deployment'] {
  return {
    id: deployment.id,
    endpoint: deployment.endpointId,
    role: deployment.role,
    share_percent: deployment.sharePercent,
    state: deployment.state,
    model: deployment.served.model,
    version: deployment.served.number,
    served: JSON.stringify(deployment.served),
    settings: JSON.stringify(deployment.settings),
    is_forced: deployment.isForced ? 1 : 0,
    own_reason: deployment.ownReason,
    attempts: deployment.attempts,
    retry_at: deployment.retryAt,
    next_replica: deployment.nextReplica,
    is_rollback: deployment.isRollback ? 1 : 0,
    previous: deployment.previousId,
    operation: deployment.operationId,
    problem: deployment.problem === null ? null : JSON.stringify(deployment.problem),
    created_at: deployment.createdAt,
    created_by: deployment.createdBy,
    decided_by: deployment.decision?.by ?? null,
    decided_action: deployment.decision?.action ?? null,
    decided_entry: deployment.decision?.entry ?? null,
    ready_at: deployment.readyAt,
    serving_since: deployment.servingSince,
    ended_at: deployment.endedAt,
  };
}

function replicaOf(row: DeploymentTables['replica']): ReplicaRecord {
  return {
    id: row.id,
    runner: row.runner,
    runnerKind: row.runner_kind,
    isLeaving: row.is_leaving === 1,
    createdAt: row.created_at,
    readyAt: row.ready_at,
  };
}

export function replicaRow(deployment: string, replica: ReplicaRecord): DeploymentTables['replica'] {
  return {
    id: replica.id,
    deployment,
    runner: replica.runner,
    runner_kind: replica.runnerKind,
    is_leaving: replica.isLeaving ? 1 : 0,
    created_at: replica.createdAt,
    ready_at: replica.readyAt,
  };
}

export function eventOf(row: DeploymentTables['endpoint_event']): EndpointEvent & { readonly id: string } {
  return {
    id: row.id,
    at: new Date(row.at).toISOString(),
    level: row.level,
    deployment: row.deployment,
    what: row.what,
    message: row.message,
  };
}
