import { type Model, MusterError } from '@muster-ml/protocol';
import { type Caller, ledgerActor, teamNotFound } from '../identity/index.ts';
import { digestOf } from '../ledger/index.ts';
import { isUniqueViolation } from '../platform/database/index.ts';
import { type ModelRecord, renderModel } from './model.ts';
import type { RegistryParts } from './parts.ts';

export interface NewModel {
  readonly name: string;
  readonly team: string;
  readonly description: string;
  readonly tags: Readonly<Record<string, string>>;
}

/** Makes a model without versions. Throws `model_exists`, also where the name differs from another's in case only, and `team_not_found`. */
export async function createModel(parts: RegistryParts, caller: Caller, wish: NewModel): Promise<Model> {
  const { database, identity, ledger, store, clock, newId } = parts;
  identity.authorize(caller, 'model.create', {
    kind: 'model',
    id: wish.name,
    team: wish.team,
    missing: () => teamNotFound(wish.team, { place: 'body.team' }),
  });
  const model: ModelRecord = { ...wish, id: newId(), createdAt: clock.now(), createdBy: caller.actor.id };
  const rendered = renderModel(model, { latestVersion: null, aliases: {} });
  try {
    await database.inTransaction(async (tx) => {
      await store.insertModel(tx, model);
      await ledger.append(tx, {
        actor: ledgerActor(caller),
        action: 'model.create',
        subject: { kind: 'model', id: model.id },
        team: model.team,
        outcome: 'allowed',
        request: caller.requestId,
        after: digestOf(rendered),
        ctx: { name: model.name },
      });
    });
  } catch (error) {
    if (isUniqueViolation(error, 'model')) {
      throw new MusterError('model_exists', `the name “${wish.name}” is taken`, { place: 'body.name', cause: error });
    }
    if (error instanceof MusterError && error.code === 'reference_violation')
      throw teamNotFound(wish.team, { place: 'body.team' });
    throw error;
  }
  return rendered;
}
