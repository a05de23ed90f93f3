import { type Action, MusterError } from '@muster-ml/protocol';
import type { Caller, Identity } from '../identity/index.ts';
import type { Ledger, LedgerActor } from '../ledger/index.ts';
import type { Clock, NewId } from '../platform/clock/index.ts';
import type { Database } from '../platform/database/index.ts';
import type { ObjectStore } from '../platform/objects/index.ts';
import type { Operations } from '../platform/operations/index.ts';
import type { Inspect } from './inspect-file.ts';
import { type ModelRecord, modelNotFound } from './model.ts';
import type { RegistryStore } from './store.ts';

/** What the use cases of this room work with. */
export interface RegistryParts {
  readonly database: Database;
  readonly objects: ObjectStore;
  readonly ledger: Ledger;
  readonly identity: Identity;
  readonly operations: Operations;
  readonly inspect: Inspect;
  readonly store: RegistryStore;
  readonly clock: Clock;
  readonly newId: NewId;
}

/** The model, if the caller may see it and do this with it. Throws `model_not_found`, also for one that is hidden, and `not_allowed`. */
export async function findModel(
  parts: Pick<RegistryParts, 'database' | 'identity' | 'store'>,
  caller: Caller,
  action: Action,
  name: string,
): Promise<ModelRecord> {
  const model = await parts.store.modelByName(parts.database.reader, name);
  if (model === undefined || !isVisible(parts.identity, caller, model.team)) throw modelNotFound(name);
  parts.identity.authorize(caller, action, { kind: 'model', id: name, team: model.team });
  return model;
}

/** Whether the caller sees what belongs to the team. */
export function isVisible(identity: Identity, caller: Caller, team: string): boolean {
  const teams = identity.visibleTeams(caller.actor);
  return teams === '*' || teams.includes(team);
}

export function teamNotFound(team: string): MusterError {
  return new MusterError('team_not_found', `there is no team ${team}`, { place: 'body.team' });
}

export function ledgerActor(caller: Caller): LedgerActor {
  return { kind: caller.actor.kind, id: caller.actor.id, token: caller.actor.tokenId };
}
