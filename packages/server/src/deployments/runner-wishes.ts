import type { RunnerWish, ReplicaWish } from '../runners/index.ts';
import type { DeploymentRecord } from './deployment.ts';
import type { EndpointState } from './endpoint.ts';

/** Local paths of what a replica is made of; undefined while they are fetched. */
export interface ModelFiles {
  readonly file: string;
  readonly sampleFile: string | undefined;
}

/**
 * The runners that should exist, with their replicas: a pure function of the state of all endpoints, so the host can be
 * told it again at any time. A replica whose file is not here yet is left out.
 */
export function runnerWishes(states: Iterable<EndpointState>, filesOf: (deployment: DeploymentRecord) => ModelFiles | undefined): readonly RunnerWish[] {
  const runners = new Map<string, Omit<RunnerWish, 'replicas'> & { readonly replicas: ReplicaWish[] }>();
  for (const { endpoint, deployments } of states) {
    for (const deployment of deployments) {
      if (deployment.replicas.length === 0) continue;
      const files = filesOf(deployment);
      if (files === undefined) continue;
      const { served, settings } = deployment;
      for (const replica of deployment.replicas) {
        const runner = runners.get(replica.runner) ?? {
          id: replica.runner,
          runtime: served.runtime,
          team: endpoint.team,
          kind: replica.runnerKind,
          limits: replica.runnerKind === 'own' ? { ...settings.resources } : {},
          replicas: [],
        };
        runners.set(replica.runner, runner);
        runner.replicas.push({
          id: replica.id,
          file: files.file,
          digest: served.digest,
          options: settings.onnx,
          ...(files.sampleFile === undefined ? {} : { sampleFile: files.sampleFile }),
        });
      }
    }
  }
  return [...runners.values()];
}
