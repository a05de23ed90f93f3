import { MusterError, type Operation } from '@muster-ml/protocol';
import type { Caller } from '../identity/index.ts';
import { refuseBrokenCallers, refuseQuarantined } from './admit-version.ts';
import { type DeploymentParts, changeEndpoint } from './change-endpoint.ts';
import { type Change, endFailed, named, put, say } from './change.ts';
import { startOperation } from './deploy.ts';
import { type DeploymentRecord, isPresent } from './deployment.ts';
import { type EndpointState, servingOf, startingOf } from './endpoint.ts';
import { refuseUnapproved } from './refuse-unapproved.ts';
import { clearUnfinished, endDeployment, takeTraffic } from './roll-out.ts';
import { superseded } from './superseded.ts';

/**
 * Makes the canary, or else the shadow, live. Its warm replicas go on; what was live drains. One that is not ready yet
 * becomes live when it is. Throws `nothing_to_promote`, `signature_breaks_callers` (unless it was deployed by force),
 * `version_quarantined` and `standing_required`.
 */
export async function promote(parts: DeploymentParts, caller: Caller, name: string): Promise<Operation> {
  return await changeEndpoint(parts, caller, 'endpoint.promote', name, async (change, tx, now) => {
    const candidate = candidateOf(change.after);
    if (candidate === undefined) throw new MusterError('nothing_to_promote', `${name} has no canary and no shadow`);
    if (!candidate.isForced) refuseBrokenCallers(change.after, candidate.served);
    await refuseQuarantined(parts.store, tx, candidate.served, false);
    await refuseUnapproved(parts, tx, change.after.endpoint, candidate.served, candidate.settings);
    const operation = await startOperation(parts, tx, caller, change, `promoting ${named(candidate)}`, {
      deployment: candidate.id,
    });
    makeLive(change, candidate, operation.id, now);
    return {
      result: operation,
      ctx: {
        deployment: candidate.id,
        from: candidate.role,
        model: candidate.served.model,
        version: candidate.served.number,
        operation: operation.id,
      },
    };
  });
}

/** The newest wish of the canary, else of the shadow. */
function candidateOf(state: EndpointState): DeploymentRecord | undefined {
  return (
    startingOf(state, 'canary') ??
    servingOf(state, 'canary') ??
    startingOf(state, 'shadow') ??
    servingOf(state, 'shadow')
  );
}

function makeLive(change: Change, candidate: DeploymentRecord, operationId: string, now: number): void {
  clearUnfinished(change, 'live', now);
  for (const other of change.after.deployments) {
    if (other.role === candidate.role && other.id !== candidate.id && isPresent(other))
      endDeployment(change, other, now, 'a newer one was promoted');
  }
  endFailed(change, candidate, superseded(candidate, 'it was promoted'));
  say(change, 'info', candidate, 'promote', `promoting ${named(candidate)}`);
  const live: DeploymentRecord = { ...candidate, role: 'live', sharePercent: 100, operationId };
  if (candidate.state === 'ready') return takeTraffic(change, live, now);
  // It does not answer at the moment: it starts once more, and live stays as it is until then.
  put(change, {
    ...live,
    state: 'starting',
    createdAt: candidate.state === 'starting' ? candidate.createdAt : now,
    servingSince: null,
    attempts: 0,
  });
}
