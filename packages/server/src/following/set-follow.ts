import { type Follow, MusterError, type SetFollow } from '@muster-ml/protocol';
import type { Caller } from '../identity/index.ts';
import { digestOf } from '../ledger/index.ts';
import { type FollowRecord, renderFollow } from './follow.ts';
import { requireServer } from './mlflow-servers.ts';
import { type FollowingParts, ledgerActor } from './parts.ts';

/**
 * Makes an endpoint follow an alias from now on; a wish that it had is replaced. Whoever sets it is the one in whose name
 * versions are copied and deployed: without the permission to deploy, it stops.
 *
 * Throws `endpoint_not_found`, `not_allowed`, `mlflow_unknown_server`.
 */
export async function setFollow(
  parts: FollowingParts,
  caller: Caller,
  endpointName: string,
  wish: SetFollow,
): Promise<Follow> {
  const { database, identity, ledger, deployments, store, clock } = parts;
  const endpoint = await deployments.getEndpoint(caller, endpointName);
  identity.authorize(caller, 'endpoint.deploy', { kind: 'endpoint', id: endpoint.name, team: endpoint.team });
  const server = requireServer(parts.servers, wish.server);
  const live = endpoint.deployments.find(
    ({ role, state }) => role === 'live' && state !== 'draining' && state !== 'ended',
  );
  const follow: FollowRecord = {
    endpoint: endpoint.name,
    team: endpoint.team,
    server,
    sourceModel: wish.sourceModel,
    alias: wish.alias,
    model: wish.model ?? live?.model ?? wish.sourceModel,
    version: null,
    failedVersion: null,
    retryAt: null,
    problem: null,
    checkedAt: null,
    setAt: clock.now(),
    setBy: caller.actor.id,
  };
  await database.inTransaction(async (tx) => {
    await store.put(tx, follow);
    await ledger.append(tx, {
      actor: ledgerActor(caller),
      action: 'endpoint.deploy',
      subject: { kind: 'endpoint', id: endpoint.name },
      team: endpoint.team,
      outcome: 'allowed',
      request: caller.requestId,
      after: digestOf(renderFollow(follow)),
      ctx: { follow: { server, model: wish.sourceModel, alias: wish.alias } },
    });
  });
  return renderFollow(follow);
}

/** The wish of an endpoint. Throws `endpoint_not_found`, `follow_not_found`. */
export async function getFollow(parts: FollowingParts, caller: Caller, endpointName: string): Promise<Follow> {
  const endpoint = await parts.deployments.getEndpoint(caller, endpointName);
  const follow = await parts.store.of(parts.database.reader, endpoint.name);
  if (follow === undefined) throw new MusterError('follow_not_found', `${endpoint.name} follows no alias`);
  return renderFollow(follow);
}

/** Ends it; what is live stays. Throws `endpoint_not_found`, `follow_not_found`, `not_allowed`. */
export async function endFollow(parts: FollowingParts, caller: Caller, endpointName: string): Promise<void> {
  const { database, identity, ledger, deployments, store } = parts;
  const endpoint = await deployments.getEndpoint(caller, endpointName);
  identity.authorize(caller, 'endpoint.deploy', { kind: 'endpoint', id: endpoint.name, team: endpoint.team });
  await database.inTransaction(async (tx) => {
    const follow = await store.of(tx, endpoint.name);
    if (follow === undefined) throw new MusterError('follow_not_found', `${endpoint.name} follows no alias`);
    await store.remove(tx, endpoint.name);
    await ledger.append(tx, {
      actor: ledgerActor(caller),
      action: 'endpoint.deploy',
      subject: { kind: 'endpoint', id: endpoint.name },
      team: endpoint.team,
      outcome: 'allowed',
      request: caller.requestId,
      before: digestOf(renderFollow(follow)),
      ctx: { follow: null },
    });
  });
}
