import type { RunnerWish, ReplicaWish } from '../runners/index.ts';
import type { DeploymentRecord, ReplicaRecord } from './deployment.ts';
import type { EndpointState } from './endpoint.ts';

/** Local paths of what a replica is made of. */
export interface ModelFiles {
  readonly file: string;
  readonly sampleFile: string | undefined;
}

/** Where the files of a deployment are: `fetching` may still answer a path, `missing` never will. */
export type FilesOf = (deployment: DeploymentRecord) => ModelFiles | 'fetching' | 'missing';

/**
 * The secrets of a deployment as its runner gets them, or why there are none to get: `fetching` as for files. A deployment
 * that refers to none has none.
 */
export type SecretsOf = (deployment: DeploymentRecord, endpoint: string) => SecretsWish | 'fetching';

export type SecretsWish = Pick<RunnerWish, 'secrets' | 'refusal'>;

/** A wish whose replicas are still being collected. */
type OpenWish = Omit<RunnerWish, 'replicas'> & { readonly replicas: ReplicaWish[] };

/**
 * The runners that should exist, with their replicas: a pure function of the state of all endpoints, so the host can be
 * told it again at any time. A new replica whose file or secrets are not here yet is left out. Undefined while that would leave out
 * one that may be running: one that has answered, or that an earlier control may have asked for.
 */
export function runnerWishes(
  states: Iterable<EndpointState>,
  filesOf: FilesOf,
  secretsOf: SecretsOf,
  isFirstList: boolean,
): readonly RunnerWish[] | undefined {
  const runners = new Map<string, OpenWish>();
  for (const { endpoint, deployments } of states) {
    for (const deployment of deployments) {
      if (deployment.replicas.length === 0) continue;
      const files = filesOf(deployment);
      const secrets = secretsOf(deployment, endpoint.name);
      const isWaiting = files === 'fetching' || (files !== 'missing' && secrets === 'fetching');
      if (isWaiting && (isFirstList || deployment.replicas.some((replica) => replica.readyAt !== null)))
        return undefined;
      if (files === 'fetching' || files === 'missing' || secrets === 'fetching') continue;
      const { served } = deployment;
      for (const replica of deployment.replicas) {
        const runner = runners.get(replica.runner) ?? openWish(endpoint.team, deployment, replica, secrets);
        runners.set(replica.runner, runner);
        runner.replicas.push({
          id: replica.id,
          file: files.file,
          digest: served.digest,
          ...howItRuns(deployment),
          ...(files.sampleFile === undefined ? {} : { sampleFile: files.sampleFile }),
        });
      }
    }
  }
  return [...runners.values()];
}

function openWish(
  team: string,
  { served, settings }: DeploymentRecord,
  replica: ReplicaRecord,
  secrets: SecretsWish,
): OpenWish {
  return {
    id: replica.runner,
    ...runnerFor({ served, settings }),
    team,
    kind: replica.runnerKind,
    limits: replica.runnerKind === 'own' ? { ...settings.resources } : {},
    ...secrets,
    replicas: [],
  };
}

/** What a runner must be for a version, whoever wishes it. */
export function runnerFor({
  served,
  settings,
}: Pick<DeploymentRecord, 'served' | 'settings'>): Pick<RunnerWish, 'runtime' | 'environment' | 'threads'> {
  const { runtime, python } = served;
  return python === undefined
    ? { runtime }
    : { runtime, environment: python.environment, threads: settings.python.threads };
}

/** What a runner is told about a version, whoever wishes it. */
export function howItRuns({
  served,
  settings,
}: Pick<DeploymentRecord, 'served' | 'settings'>): Pick<ReplicaWish, 'options' | 'python'> {
  if (served.python === undefined) return { options: settings.onnx };
  const { format, isTable } = served.python;
  return { python: { format, signature: served.signature, isTable } };
}
