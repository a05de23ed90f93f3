import type { DeploymentRole, EndpointEvent, Problem } from '@muster-ml/protocol';
import type { OperationEnd } from '../platform/operations/index.ts';
import type { DeploymentRecord } from './deployment.ts';
import { type EndpointState, withDeployment } from './endpoint.ts';

/**
 * What one decision about an endpoint amounts to: its next state, and all that has to be written with it in the same
 * transaction. A pure function fills it; `commitChange` writes it.
 */
export interface Change {
  /** Undefined where the endpoint is new. */
  readonly before: EndpointState | undefined;
  after: EndpointState;
  readonly events: EventDraft[];
  readonly ends: OperationEndDraft[];
  readonly entries: EntryDraft[];
  readonly quarantines: QuarantineDraft[];
}

export interface EventDraft {
  readonly level: EndpointEvent['level'];
  readonly deploymentId: string | null;
  readonly what: string;
  readonly message: string;
}

export interface OperationEndDraft {
  readonly operationId: string;
  readonly end: OperationEnd;
}

/** What the reconciler did by itself, for the ledger. */
export interface EntryDraft {
  readonly action: `system.${string}`;
  readonly ctx: Readonly<Record<string, unknown>>;
}

export interface QuarantineDraft {
  readonly model: string;
  readonly version: number;
  readonly deploymentId: string;
  readonly reason: string;
}

export function beginChange(state: EndpointState): Change {
  return { before: state, after: state, events: [], ends: [], entries: [], quarantines: [] };
}

export function isChanged(change: Change): boolean {
  return change.after !== change.before || change.events.length > 0 || change.ends.length > 0;
}

/** Puts a deployment into the next state of the endpoint; one that is unchanged changes nothing. */
export function put(change: Change, deployment: DeploymentRecord): void {
  if (change.after.deployments.includes(deployment)) return;
  change.after = withDeployment(change.after, deployment);
}

export function say(
  change: Change,
  level: EndpointEvent['level'],
  deployment: DeploymentRecord | null,
  what: string,
  message: string,
): void {
  change.events.push({ level, deploymentId: deployment?.id ?? null, what, message });
}

/** `model:version as role`, as messages name a deployment. */
export function named(deployment: {
  readonly served: { readonly model: string; readonly number: number };
  readonly role: DeploymentRole;
}): string {
  return `${deployment.served.model}:${deployment.served.number} as ${deployment.role}`;
}

/** Ends the operation that waits for a deployment, if one does, as failed. */
export function endFailed(change: Change, deployment: DeploymentRecord, problem: Problem): void {
  if (deployment.operationId !== null)
    change.ends.push({ operationId: deployment.operationId, end: { state: 'failed', problem } });
}

/** Ends the operation that waits for a deployment, if one does, with what came of it; answers the deployment without it. */
export function endSucceeded(change: Change, deployment: DeploymentRecord): DeploymentRecord {
  if (deployment.operationId === null) return deployment;
  const { served, role, id, sharePercent } = deployment;
  const result = {
    endpoint: change.after.endpoint.name,
    deployment: id,
    model: served.model,
    version: served.number,
    role,
    sharePercent,
  };
  change.ends.push({ operationId: deployment.operationId, end: { state: 'succeeded', result } });
  return { ...deployment, operationId: null };
}
