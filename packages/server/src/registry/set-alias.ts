import { type Caller, ledgerActor } from '../identity/index.ts';
import { digestOf } from '../ledger/index.ts';
import type { ModelRecord } from './model.ts';
import { type RegistryParts, findModel } from './parts.ts';
import { aliasNotFound, versionNotFound } from './version.ts';

/** What an alias points at. */
export interface AliasTarget {
  readonly model: string;
  readonly alias: string;
  readonly version: number;
}

/** Points an alias at a version, whatever it pointed at before. Throws `model_not_found`, `version_not_found`. */
export async function setAlias(parts: RegistryParts, caller: Caller, target: AliasTarget): Promise<AliasTarget> {
  const { database, store, clock } = parts;
  const model = await findModel(parts, caller, 'alias.set', target.model);
  await database.inTransaction(async (tx) => {
    await store.lockModel(tx, model.id);
    if ((await store.version(tx, model.id, target.version)) === undefined)
      throw versionNotFound(model.name, target.version);
    const before = await store.alias(tx, model.id, target.alias);
    await store.putAlias(tx, {
      model: model.id,
      alias: target.alias,
      number: target.version,
      setAt: clock.now(),
      setBy: caller.actor.id,
    });
    await parts.ledger.append(tx, {
      ...entryOf(caller, model),
      ...(before === undefined ? {} : { before: digestOf({ ...target, version: before }) }),
      after: digestOf(target),
      ctx: { alias: target.alias, version: target.version, previous: before ?? null },
    });
  });
  return target;
}

/** Removes an alias; the version stays. Throws `model_not_found`, `alias_not_found`. */
export async function deleteAlias(
  parts: RegistryParts,
  caller: Caller,
  modelName: string,
  alias: string,
): Promise<void> {
  const { database, store } = parts;
  const model = await findModel(parts, caller, 'alias.set', modelName);
  await database.inTransaction(async (tx) => {
    await store.lockModel(tx, model.id);
    const version = await store.alias(tx, model.id, alias);
    if (version === undefined) throw aliasNotFound(modelName, alias);
    await store.deleteAlias(tx, model.id, alias);
    await parts.ledger.append(tx, {
      ...entryOf(caller, model),
      before: digestOf({ model: model.name, alias, version } satisfies AliasTarget),
      ctx: { alias, version: null, previous: version },
    });
  });
}

function entryOf(caller: Caller, model: ModelRecord) {
  return {
    actor: ledgerActor(caller),
    action: 'alias.set',
    subject: { kind: 'model', id: model.id },
    team: model.team,
    outcome: 'allowed',
    request: caller.requestId,
  } as const;
}
