import type { Deployment, Endpoint } from '@muster-ml/protocol';
import type { ReplicaObservation } from '../runners/index.ts';
import { type AboutEndpoints, standingOf } from './about-endpoints.ts';
import { type DeploymentRecord, answers } from './deployment.ts';
import { type EndpointState, servingOf, startingOf } from './endpoint.ts';
import { shareOf } from './routed-endpoint.ts';

/** Observed replicas by id. */
export type SeenRunners = ReadonlyMap<string, ReplicaObservation>;

/** An endpoint as the API shows it: what is wished, joined with what is seen. */
export function renderEndpoint(
  state: EndpointState,
  seen: SeenRunners,
  previous: ReadonlyMap<string, { readonly model: string; readonly version: number }>,
  about: AboutEndpoints,
): Endpoint {
  const { endpoint } = state;
  const live = servingOf(state, 'live');
  return {
    name: endpoint.name,
    team: endpoint.team,
    kind: endpoint.kind,
    owner: { id: endpoint.owner, name: about.names.get(endpoint.owner) ?? null },
    useCase: endpoint.useCaseId === null ? null : (about.useCases.get(endpoint.useCaseId) ?? null),
    objective: endpoint.objective,
    runbook: endpoint.runbook,
    description: endpoint.description,
    tags: { ...endpoint.tags },
    limits: endpoint.limits,
    standing: standingOf(state, about.standings.get(endpoint.id)),
    ready: live !== undefined && live.state === 'ready' && answersNow(live, seen),
    signature: mutable(live?.served.signature ?? startingOf(state, 'live')?.served.signature),
    deployments: state.deployments.map((deployment) => renderDeployment(state, deployment, seen)),
    previous:
      (live?.previousId === null || live?.previousId === undefined ? undefined : previous.get(live.previousId)) ?? null,
    revision: endpoint.revision,
    createdAt: time(endpoint.createdAt),
    createdBy: endpoint.createdBy,
  };
}

function renderDeployment(state: EndpointState, deployment: DeploymentRecord, seen: SeenRunners): Deployment {
  const { served } = deployment;
  return {
    id: deployment.id,
    endpoint: state.endpoint.name,
    model: served.model,
    version: served.number,
    role: deployment.role,
    sharePercent: shareOf(state, deployment),
    state: deployment.state === 'ready' && !answersNow(deployment, seen) ? 'unready' : deployment.state,
    ...(deployment.problem === null ? {} : { problem: deployment.problem }),
    settings: deployment.settings,
    replicas: deployment.replicas.map((replica) => {
      const observed = seen.get(replica.id);
      return {
        id: replica.id,
        runner: replica.runner,
        state: observed?.state ?? 'waiting',
        ...(observed?.loadMs === undefined ? {} : { loadMs: observed.loadMs }),
        ...(observed?.memoryBytes === undefined ? {} : { memoryBytes: observed.memoryBytes }),
        ...(observed?.problem === undefined ? {} : { problem: observed.problem }),
      };
    }),
    createdAt: time(deployment.createdAt),
    createdBy: deployment.createdBy,
    readyAt: deployment.readyAt === null ? null : time(deployment.readyAt),
    endedAt: deployment.endedAt === null ? null : time(deployment.endedAt),
  };
}

/** What is seen now counts, not what the reconciler noted last. */
function answersNow(deployment: DeploymentRecord, seen: SeenRunners): boolean {
  return answers(deployment, (id) => seen.get(id)?.state);
}

function mutable(signature: DeploymentRecord['served']['signature'] | undefined): Endpoint['signature'] {
  if (signature === undefined) return null;
  const spec = (tensor: (typeof signature.inputs)[number]) => ({ ...tensor, shape: [...tensor.shape] });
  const { inputs, outputs, features, labels, ...rest } = signature;
  return {
    ...rest,
    inputs: inputs.map(spec),
    outputs: outputs.map(spec),
    ...(features === undefined ? {} : { features: [...features] }),
    ...(labels === undefined ? {} : { labels: [...labels] }),
  };
}

function time(atMs: number): string {
  return new Date(atMs).toISOString();
}
