import type { Deployment, DeploymentRole, Endpoint } from '@muster-ml/protocol';
import { durationText } from '../units/duration.ts';
import { counted } from './signature-text.ts';

/** The deployment of a role that counts: the one that answers, else the newest that is not over. */
export function deploymentOf(endpoint: Endpoint, role: DeploymentRole): Deployment | undefined {
  const inRole = endpoint.deployments.filter((one) => one.role === role && !isOver(one));
  return inRole.find(({ state }) => state === 'ready' || state === 'unready') ?? inRole.at(-1);
}

export function isOver({ state }: Deployment): boolean {
  return state === 'ended' || state === 'failed' || state === 'draining';
}

/** `fraud:7`, with its share where it is not alone. */
export function versionText({ model, version, role, sharePercent }: Deployment): string {
  return role === 'live' ? `${model}:${version}` : `${model}:${version} (${role} ${sharePercent} %)`;
}

/** The versions of an endpoint, the live one first: `fraud:6, fraud:7 (canary 10 %)`. */
export function versionsText(endpoint: Endpoint): string {
  const order: readonly DeploymentRole[] = ['live', 'canary', 'shadow'];
  const shown = order.map((role) => deploymentOf(endpoint, role)).filter((one) => one !== undefined);
  return shown.length === 0 ? '-' : shown.map(versionText).join(', ');
}

/** One word on how an endpoint is; never better than it is. */
export function conditionText(endpoint: Endpoint): string {
  if (endpoint.kind === 'observed') return 'observed';
  if (endpoint.ready) return 'ready';
  const live = deploymentOf(endpoint, 'live');
  return live?.state ?? endpoint.deployments.at(-1)?.state ?? 'not deployed';
}

/** `1 replica ready in 0.9 s`. */
export function readyText(endpoint: Endpoint, role: DeploymentRole, tookMs: number): string {
  const deployment = deploymentOf(endpoint, role);
  const replicas = deployment === undefined ? 'deployment' : counted(deployment.replicas.length, 'replica');
  const what = deployment === undefined ? '' : `  ${versionText(deployment)}`;
  return `${replicas} ready in ${durationText(tookMs)}${what}`;
}
