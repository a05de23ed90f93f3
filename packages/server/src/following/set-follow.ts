import { type Endpoint, type Follow, MusterError, type SetFollow } from '@muster-ml/protocol';
import type { Kysely } from 'kysely';
import { type Caller, ledgerActor } from '../identity/index.ts';
import { digestOf } from '../ledger/index.ts';
import type { Tx } from '../platform/database/index.ts';
import { type FollowRecord, isOf, isSameWish, liveOf, renderFollow } from './follow.ts';
import { requireServer } from './mlflow-servers.ts';
import type { FollowingParts } from './parts.ts';

/**
 * Makes an endpoint follow an alias from now on; a wish that it had is replaced. The same wish again forgets nothing but a
 * failure, which is tried again at once. Whoever sets it is the one in whose name versions are copied and deployed: without
 * the permission to deploy, it stops.
 *
 * Throws `endpoint_not_found`, `not_allowed`, `mlflow_unknown_server`.
 */
export async function setFollow(
  parts: FollowingParts,
  caller: Caller,
  endpointName: string,
  wish: SetFollow,
): Promise<Follow> {
  const { database, store, clock } = parts;
  const endpoint = await parts.deployments.getEndpoint(caller, endpointName, 'endpoint.deploy');
  const server = requireServer(parts.servers, wish.server);
  const wished: FollowRecord = {
    endpoint: endpoint.name,
    team: endpoint.team,
    server,
    sourceModel: wish.sourceModel,
    alias: wish.alias,
    model: wish.model ?? liveOf(endpoint)?.model ?? wish.sourceModel,
    version: null,
    failedVersion: null,
    retryAt: null,
    problem: null,
    checkedAt: null,
    // After its endpoint was made, whatever the clock did: by that it is told from one of the same name that is gone.
    setAt: Math.max(clock.now(), Date.parse(endpoint.createdAt) + 1),
    setBy: caller.actor.id,
  };
  return await database.inTransaction(async (tx) => {
    const before = await followOf(parts, tx, endpoint);
    const follow = before !== undefined && isSameWish(before, wished) ? { ...wished, version: before.version } : wished;
    await store.put(tx, follow);
    await audit(parts, tx, caller, endpoint, before, follow);
    return renderFollow(follow);
  });
}

/** The wish of an endpoint. Throws `endpoint_not_found`, `follow_not_found`. */
export async function getFollow(parts: FollowingParts, caller: Caller, endpointName: string): Promise<Follow> {
  const endpoint = await parts.deployments.getEndpoint(caller, endpointName);
  const follow = await followOf(parts, parts.database.reader, endpoint);
  if (follow === undefined) throw followNotFound(endpoint);
  return renderFollow(follow);
}

/** Ends it; what is live stays. Throws `endpoint_not_found`, `follow_not_found`, `not_allowed`. */
export async function endFollow(parts: FollowingParts, caller: Caller, endpointName: string): Promise<void> {
  const endpoint = await parts.deployments.getEndpoint(caller, endpointName, 'endpoint.deploy');
  await parts.database.inTransaction(async (tx) => {
    const follow = await followOf(parts, tx, endpoint);
    if (follow === undefined) throw followNotFound(endpoint);
    await parts.store.remove(tx, follow);
    await audit(parts, tx, caller, endpoint, follow, undefined);
  });
}

/** The wish of this endpoint, not one that an endpoint of the same name has left behind. */
async function followOf(
  { store }: Pick<FollowingParts, 'store'>,
  db: Kysely<unknown>,
  endpoint: Endpoint,
): Promise<FollowRecord | undefined> {
  const follow = await store.of(db, endpoint.name);
  return follow !== undefined && isOf(follow, endpoint) ? follow : undefined;
}

async function audit(
  { ledger }: Pick<FollowingParts, 'ledger'>,
  tx: Tx,
  caller: Caller,
  { name, team }: Endpoint,
  before: FollowRecord | undefined,
  after: FollowRecord | undefined,
): Promise<void> {
  await ledger.append(tx, {
    actor: ledgerActor(caller),
    action: 'endpoint.deploy',
    subject: { kind: 'endpoint', id: name },
    team,
    outcome: 'allowed',
    request: caller.requestId,
    ...(before === undefined ? {} : { before: digestOf(renderFollow(before)) }),
    ...(after === undefined ? {} : { after: digestOf(renderFollow(after)) }),
    ctx: {
      follow: after === undefined ? null : { server: after.server, model: after.sourceModel, alias: after.alias },
    },
  });
}

function followNotFound({ name }: Endpoint): MusterError {
  return new MusterError('follow_not_found', `${name} follows no alias`);
}
