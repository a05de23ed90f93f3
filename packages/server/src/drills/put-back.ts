import { isDeepStrictEqual } from 'node:util';
import { type Deployment, type Endpoint, MusterError, type Operation, deploySchema } from '@muster-ml/protocol';
import type { Caller } from '../identity/index.ts';
import type { DrillTask, LiveVersion } from './drill.ts';
import { endOf } from './end-of-operation.ts';
import type { DrillParts } from './parts.ts';

type PutBackParts = Pick<DrillParts, 'deployments' | 'operations'>;

/** How often it is tried: each time somebody else may come between. */
const mostAttempts = 5;

/**
 * Sees that what was live before a drill is live: gives up a roll-out of the drill that is not finished, and deploys the
 * version with its settings where another one of the drill is live. What somebody else has deployed meanwhile stays: then
 * it throws `superseded`. Throws what the deployment fails with, and the signal's reason.
 */
export async function putBack(
  parts: PutBackParts,
  caller: Caller,
  task: DrillTask,
  signal: AbortSignal,
): Promise<void> {
  const { before } = task;
  const { name } = task.endpoint;
  for (let attempt = 1; attempt <= mostAttempts; attempt++) {
    signal.throwIfAborted();
    const endpoint = await parts.deployments.getEndpoint(caller, name, 'drill.run');
    const live = liveOf(endpoint);
    const starting = endpoint.deployments.find(({ role, state }) => role === 'live' && state === 'starting');
    if (starting !== undefined && !isOfDrill(starting, caller, task)) throw changedMeanwhile(name);
    if (live !== undefined && isSame(live, before)) {
      if (starting === undefined) return;
      await giveUp(parts, caller, name, signal);
      continue;
    }
    if (live !== undefined && !isOfDrill(live, caller, task)) throw changedMeanwhile(name);
    await endOf(parts.operations, await deployBack(parts, caller, task), signal);
  }
  const live = liveOf(await parts.deployments.getEndpoint(caller, name, 'drill.run'));
  if (live === undefined || !isSame(live, before)) throw changedMeanwhile(name);
}

/** Gives up what is on its way to be live. Where it has just become so, the next look tells. */
async function giveUp(parts: PutBackParts, caller: Caller, name: string, signal: AbortSignal): Promise<void> {
  try {
    await endOf(parts.operations, await parts.deployments.rollback(caller, name, {}), signal);
  } catch (error) {
    if (!(error instanceof MusterError && error.code === 'nothing_to_roll_back')) throw error;
  }
}

/** Callers got what was live before, whatever they would miss of what is live now. */
async function deployBack({ deployments }: PutBackParts, caller: Caller, task: DrillTask): Promise<Operation> {
  const { before } = task;
  const { name } = task.endpoint;
  const wish = (force: object) =>
    deploySchema.parse({ model: before.model, version: before.version, settings: before.settings, ...force });
  try {
    return await deployments.deploy(caller, name, wish({}));
  } catch (error) {
    if (!(error instanceof MusterError && error.code === 'signature_breaks_callers')) throw error;
    return await deployments.deploy(caller, name, wish({ force: name }));
  }
}

/** The deployment that has the live traffic. */
export function liveOf({ deployments }: Endpoint): Deployment | undefined {
  return deployments.find(
    ({ role, state }) => role === 'live' && (state === 'ready' || state === 'unready' || state === 'quarantined'),
  );
}

/** Whether a version with its settings is the same, whichever deployment it is. */
export function isSame(one: LiveVersion, other: LiveVersion): boolean {
  return one.model === other.model && one.version === other.version && isDeepStrictEqual(one.settings, other.settings);
}

function isOfDrill(deployment: Deployment, caller: Caller, { startedAt }: DrillTask): boolean {
  return deployment.createdBy === caller.actor.id && Date.parse(deployment.createdAt) >= startedAt;
}

function changedMeanwhile(name: string): MusterError {
  return new MusterError('superseded', `somebody changed what is live under ${name} while the drill went on`, {
    remedy: 'What they deployed stays; do the drill again.',
  });
}
