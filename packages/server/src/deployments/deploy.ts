import { type DeployRequest, MusterError, type Operation, endpointLimitsSchema } from '@muster-ml/protocol';
import { type Caller, ledgerActor, teamNotFound } from '../identity/index.ts';
import type { Tx } from '../platform/database/index.ts';
import type { ServedVersion } from '../registry/index.ts';
import { useCaseFor } from '../usecases/index.ts';
import { isForcedBy, refuseBrokenCallers, refuseQuarantined } from './admit-version.ts';
import { type DeploymentParts, commitChange, inChange } from './change-endpoint.ts';
import { type Change, endFailed, named, put, say } from './change.ts';
import type { DeploymentRecord } from './deployment.ts';
import { type EndpointState, servingOf, startingOf } from './endpoint.ts';
import { refuseObserved } from './refuse-observed.ts';
import { refuseOtherSettings } from './refuse-settings.ts';
import { refuseUnapproved } from './refuse-unapproved.ts';
import { clearUnfinished, startDeployment } from './roll-out.ts';
import { superseded } from './superseded.ts';

/**
 * Deploys a version under an endpoint, which is made if it does not exist. The operation succeeds once the version is
 * ready, has its traffic, and every gateway knows; until then, and if it fails, what was live stays live. A newer wish
 * for a role replaces an unfinished older one.
 *
 * Throws `not_allowed`, `endpoint_exists`, `signature_breaks_callers`, `version_quarantined`, `nothing_live`,
 * `team_not_found`, `isolation_too_weak`, `secret_not_found`, `endpoint_observed`, `standing_required` (as live only),
 * `usecase_not_found`, `usecase_unfit`, `invalid_request` (for settings of another runtime), and what the registry says of
 * a version that does not exist.
 */
export async function deploy(
  parts: DeploymentParts,
  caller: Caller,
  name: string,
  request: DeployRequest,
): Promise<Operation> {
  const served = await parts.registry.servedVersion(caller, request.model, pickOf(request));
  refuseOtherSettings(request.settings, served.runtime, `${served.model}:${served.number}`);
  const isForced = isForcedBy(request.force, name);
  const newTeam = request.team ?? served.team;
  const place = 'body.team';
  // Names are unique in the installation: that one is taken is all that somebody learns who does not see whose it is.
  const authorize = (team: string | undefined): void => {
    const missing = (): MusterError => (team === undefined ? teamNotFound(newTeam, { place }) : nameTaken(name));
    const resource = { kind: 'endpoint', id: name, team: team ?? newTeam, missing } as const;
    parts.identity.authorize(caller, 'endpoint.deploy', resource);
  };
  authorize(await parts.store.teamOf(name));
  if (served.runtime === 'python') await parts.refuseUncagedPython();
  const secrets = request.settings.secrets ?? {};
  await parts.secrets.authorizeUse(caller, secrets);
  return await inChange(parts, { name }, async (tx, known, epoch) => {
    authorize(known?.after.endpoint.team);
    await parts.secrets.hold(tx, secrets);
    const now = parts.clock.now();
    const change = known ?? newEndpoint(parts, caller, name, newTeam, now);
    const { endpoint } = change.after;
    if (request.team !== undefined && request.team !== endpoint.team) {
      throw new MusterError('endpoint_exists', `endpoint ${name} belongs to team ${endpoint.team}`, {
        place: 'body.team',
        remedy: 'Leave the team out, or choose another name.',
      });
    }
    refuseObserved(endpoint, 'endpoint.deploy');
    if (!isForced) refuseBrokenCallers(change.after, served);
    await refuseQuarantined(parts.store, tx, served, isForced);
    const role = request.role;
    if (role === 'live' && known !== undefined) await refuseUnapproved(parts, tx, endpoint, served, request.settings);
    if (
      role !== 'live' &&
      servingOf(change.after, 'live') === undefined &&
      startingOf(change.after, 'live') === undefined
    ) {
      throw new MusterError('nothing_live', `${name} has no live version yet`, { place: 'body.role' });
    }
    if (request.useCase !== undefined)
      putUseCase(change, await useCaseFor(parts, tx, caller, request.useCase, endpoint.team));
    const sharePercent = role === 'live' ? 100 : (request.sharePercent ?? 100);
    // The endpoint's row has to exist before an operation of it is announced, and the operation's id before the deployment.
    const operation = await startOperation(
      parts,
      tx,
      caller,
      change,
      `deploying ${served.model}:${served.number} as ${role}`,
      { model: served.model, version: served.number, role },
    );
    const same = sameButShare(change.after, request, served);
    const deployment =
      same === undefined
        ? startDeployment(
            change,
            {
              id: parts.newId(),
              role,
              sharePercent,
              served,
              settings: request.settings,
              isForced,
              isRollback: false,
              previousId: null,
              operationId: operation.id,
              createdBy: caller.actor.id,
            },
            now,
          )
        : changeShare(change, same, sharePercent, operation.id, now);
    const ctx = {
      deployment: deployment.id,
      model: served.model,
      version: served.number,
      role,
      sharePercent: String(sharePercent),
      forced: isForced,
      ...(request.useCase === undefined ? {} : { useCase: change.after.endpoint.useCaseId }),
      ...(Object.keys(secrets).length === 0 ? {} : { secrets }),
      operation: operation.id,
    };
    await commitChange(parts, tx, epoch, change, {
      actor: ledgerActor(caller),
      action: 'endpoint.deploy',
      request: caller.requestId,
      ctx,
    });
    return { change, result: operation };
  }).catch((error: unknown) => {
    if (error instanceof MusterError && error.code === 'reference_violation')
      throw teamNotFound(newTeam, { place, cause: error });
    throw error;
  });
}

function nameTaken(name: string): MusterError {
  return new MusterError('endpoint_exists', `the name ${name} is taken`, {
    place: 'params.endpoint',
    remedy: 'Choose another name.',
  });
}

/** Notes an operation of an endpoint, which the reconciler will end. */
export async function startOperation(
  parts: DeploymentParts,
  tx: Tx,
  caller: Caller,
  change: Change,
  progress: string,
  input: Readonly<Record<string, unknown>>,
): Promise<Operation> {
  const { endpoint } = change.after;
  return await parts.operations.create(tx, {
    kind: 'deploy',
    subject: `endpoint/${endpoint.name}`,
    team: endpoint.team,
    createdBy: caller.actor.id,
    input,
    progress,
  });
}

function pickOf(request: DeployRequest): { readonly version: number } | { readonly alias: string } {
  if (request.version !== undefined) return { version: request.version };
  if (request.alias !== undefined) return { alias: request.alias };
  throw new MusterError('invalid_request', 'give exactly one of version and alias', { place: 'body.version' });
}

/** The change that makes an endpoint. */
export function newEndpoint(
  parts: Pick<DeploymentParts, 'newId'>,
  caller: Caller,
  name: string,
  team: string,
  now: number,
): Change {
  const endpoint = {
    id: parts.newId(),
    name,
    team,
    kind: 'served' as const,
    owner: caller.actor.id,
    useCaseId: null,
    objective: null,
    runbook: null,
    description: '',
    tags: {},
    limits: endpointLimitsSchema.parse({}),
    revision: 1,
    touched: 0,
    createdAt: now,
    createdBy: caller.actor.id,
    deletedAt: null,
  };
  const change: Change = {
    before: undefined,
    after: { endpoint, deployments: [] },
    events: [],
    ends: [],
    entries: [],
    quarantines: [],
  };
  say(change, 'info', null, 'created', `endpoint ${name} was made in team ${team}`);
  return change;
}

/** Says why the endpoint exists. */
function putUseCase(change: Change, { id, name }: { readonly id: string; readonly name: string }): void {
  const { endpoint } = change.after;
  if (endpoint.useCaseId === id) return;
  const revision = change.before === undefined ? endpoint.revision : endpoint.revision + 1;
  change.after = { ...change.after, endpoint: { ...endpoint, useCaseId: id, revision } };
  say(change, 'info', null, 'updated', `it exists for use case ${name}`);
}

/** The canary or shadow that differs from the wish in its share only. */
function sameButShare(
  state: EndpointState,
  request: DeployRequest,
  served: ServedVersion,
): DeploymentRecord | undefined {
  if (request.role === 'live') return undefined;
  const current = startingOf(state, request.role) ?? servingOf(state, request.role);
  if (current === undefined || current.state === 'quarantined') return undefined;
  const isSame =
    current.served.model === served.model &&
    current.served.number === served.number &&
    JSON.stringify(current.settings) === JSON.stringify(request.settings);
  return isSame ? current : undefined;
}

/** Another share of the same version needs no new replicas. */
function changeShare(
  change: Change,
  deployment: DeploymentRecord,
  sharePercent: number,
  operationId: string,
  now: number,
): DeploymentRecord {
  clearUnfinished(change, deployment.role, now, deployment.id);
  endFailed(change, deployment, superseded(deployment));
  const changed = { ...deployment, sharePercent, operationId };
  put(change, changed);
  say(change, 'info', deployment, 'share', `${named(deployment)} gets ${sharePercent} %`);
  return changed;
}
