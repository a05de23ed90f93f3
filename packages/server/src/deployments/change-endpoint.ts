import { type Action, MusterError } from '@muster-ml/protocol';
import { type Caller, type Identity, type Resource, ledgerActor } from '../identity/index.ts';
import type { Ledger, LedgerActor } from '../ledger/index.ts';
import type { Clock, NewId } from '../platform/clock/index.ts';
import type { Database, Tx } from '../platform/database/index.ts';
import type { Operations } from '../platform/operations/index.ts';
import type { RefuseUncagedPython, ServedVersion } from '../registry/index.ts';
import type { SecretUses } from '../secrets/index.ts';
import type { Standings } from '../standing/index.ts';
import { auditedDigest } from './audited-endpoint.ts';
import { type Change, beginChange, isChanged } from './change.ts';
import type { Decision } from './deployment.ts';
import { refuseObserved } from './refuse-observed.ts';
import type { EndpointKey, DeploymentStore } from './store.ts';
import { type Written, decidedDeployments, trafficMove } from './traffic.ts';

/** Where a version comes from; the registry authorizes the read and resolves an alias. */
export interface VersionSource {
  servedVersion(
    caller: Caller,
    model: string,
    pick: { readonly version: number } | { readonly alias: string },
  ): Promise<ServedVersion>;
}

/** What the use cases of this room work with. */
export interface DeploymentParts {
  readonly database: Database;
  readonly store: DeploymentStore;
  readonly registry: VersionSource;
  readonly refuseUncagedPython: RefuseUncagedPython;
  readonly identity: Identity;
  readonly secrets: Pick<SecretUses, 'authorizeUse' | 'hold'>;
  readonly standings: Pick<Standings, 'refuseLive' | 'of'>;
  readonly ledger: Ledger;
  readonly operations: Operations;
  readonly clock: Clock;
  readonly newId: NewId;
  /** Wakes the reconciler; called after a commit. */
  readonly wake: () => void;
}

/** What a decision answers beside what it put into the change. */
export interface Decided<R> {
  readonly result: R;
  /** Facts for the ledger. */
  readonly ctx: Readonly<Record<string, unknown>>;
}

export type Decide<R> = (change: Change, tx: Tx, now: number) => Promise<Decided<R>> | Decided<R>;

/**
 * The shape of every use case on an endpoint that exists: authorize, load, decide, save with its audit entry in one
 * transaction, then wake the reconciler. Throws `endpoint_not_found`, `endpoint_observed`.
 */
export async function changeEndpoint<R>(
  parts: DeploymentParts,
  caller: Caller,
  action: Action,
  name: string,
  decide: Decide<R>,
): Promise<R> {
  await authorizeEndpoint(parts, caller, action, name);
  return await inChange(parts, { name }, async (tx, change, epoch) => {
    if (change === undefined) throw endpointNotFound(name);
    parts.identity.authorize(caller, action, endpointResource(change.after.endpoint));
    refuseObserved(change.after.endpoint, action);
    const decided = await decide(change, tx, parts.clock.now());
    await commitChange(parts, tx, epoch, change, {
      actor: ledgerActor(caller),
      action,
      request: caller.requestId,
      ctx: decided.ctx,
    });
    return { change, result: decided.result };
  });
}

/** One writing transaction about an endpoint; afterwards who waits for its operations hears of their end. */
export async function inChange<R>(
  parts: DeploymentParts,
  key: EndpointKey,
  work: (
    tx: Tx,
    change: Change | undefined,
    epoch: number,
  ) => Promise<{ readonly change: Change | undefined; readonly result: R }>,
): Promise<R> {
  const { change, result } = await parts.database.inTransaction(async (tx) => {
    const epoch = await parts.store.begin(tx);
    const state = await parts.store.find(key, tx);
    return await work(tx, state === undefined ? undefined : beginChange(state), epoch);
  });
  for (const { operationId } of change?.ends ?? []) parts.operations.announce(operationId);
  parts.wake();
  return result;
}

/** The entry of whoever wished the change; the reconciler's own facts are entries of theirs. */
export interface ChangeAuthor {
  readonly actor: LedgerActor;
  readonly action: Action | `system.${string}`;
  readonly request: string;
  readonly ctx: Readonly<Record<string, unknown>>;
}

/** Writes a change with all that belongs to it; the ledger, and what names its entries, comes last. False where the endpoint changed meanwhile: then nothing is written. */
export async function commitChange(
  parts: Pick<DeploymentParts, 'store' | 'operations' | 'ledger' | 'clock' | 'newId'>,
  tx: Tx,
  epoch: number,
  change: Change,
  author: ChangeAuthor | undefined,
): Promise<boolean> {
  const { store, operations, ledger, newId } = parts;
  const now = parts.clock.now();
  const { endpoint } = change.after;
  if (isChanged(change) && !(await store.save(tx, epoch, change.before, change.after))) return false;
  await store.addEvents(
    tx,
    change.events.map((event) => ({ ...event, id: newId(), endpointId: endpoint.id, at: now })),
  );
  for (const { operationId, end } of change.ends) await operations.finish(tx, operationId, end);
  for (const quarantine of change.quarantines) await store.quarantine(tx, { ...quarantine, at: now });
  const about = {
    subject: { kind: 'endpoint', id: endpoint.name },
    team: endpoint.team,
    outcome: 'allowed',
    ...(change.before === undefined ? {} : { before: auditedDigest(change.before) }),
    after: auditedDigest(change.after),
  } as const;
  let decision: Decision | undefined;
  if (author !== undefined) {
    const { actor, action, request, ctx } = author;
    const entry = await ledger.append(tx, {
      ...about,
      actor,
      action,
      request,
      ctx: { endpoint: endpoint.id, ...ctx },
    });
    if (actor.kind !== 'system') decision = { by: actor.id, action, entry };
  }
  const entries: Written['entries'][number][] = [];
  for (const { action, ctx } of change.entries) {
    const actor = { kind: 'system', id: 'reconciler' } as const;
    const request = author?.request ?? 'reconciler';
    const seq = await ledger.append(tx, { ...about, actor, action, request, ctx: { endpoint: endpoint.id, ...ctx } });
    entries.push({ action, deploymentId: ctx['deployment'], seq });
  }
  // After the ledger, whose numbers they hold.
  if (decision !== undefined)
    await store.noteDecision(tx, {
      endpointId: endpoint.id,
      deploymentIds: decidedDeployments(change),
      decision,
      at: now,
    });
  const move = trafficMove(change, { decision, entries });
  if (move !== undefined) await store.moveTraffic(tx, { endpoint, move, at: now, newId });
  return true;
}

/**
 * The first step of every use case on an endpoint that exists, with one read whether it is not there or not theirs. Throws
 * `endpoint_not_found`, `not_allowed`.
 */
export async function authorizeEndpoint(
  { store, identity }: Pick<DeploymentParts, 'store' | 'identity'>,
  caller: Caller,
  action: Action,
  name: string,
): Promise<void> {
  const team = await store.teamOf(name);
  if (team === undefined) throw endpointNotFound(name);
  identity.authorize(caller, action, endpointResource({ name, team }));
}

function endpointResource({ name, team }: { readonly name: string; readonly team: string }): Resource {
  return { kind: 'endpoint', id: name, team, missing: () => endpointNotFound(name) };
}

export function endpointNotFound(name: string): MusterError {
  return new MusterError('endpoint_not_found', `there is no endpoint ${name}`);
}
