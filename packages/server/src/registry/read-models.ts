import { type Model, MusterError, type Page, type PageQuery } from '@muster-ml/protocol';
import type { Caller } from '../identity/index.ts';
import { cursorOf, keyIn } from './cursor.ts';
import { type ModelRecord, modelNotFound, renderModel } from './model.ts';
import { type RegistryParts, findModel } from './parts.ts';

type ReadParts = Pick<RegistryParts, 'database' | 'identity' | 'store'>;

/** One model with its latest version and aliases. Throws `model_not_found`. */
export async function getModel(parts: ReadParts, caller: Caller, name: string): Promise<Model> {
  const model = await findModel(parts, caller, 'model.read', name);
  const [rendered] = await render(parts, [model]);
  if (rendered === undefined) throw modelNotFound(name);
  return rendered;
}

/** The models that the caller sees, by name. */
export async function listModels(parts: ReadParts, caller: Caller, query: PageQuery): Promise<Page<Model>> {
  const scope = parts.identity.scope(caller, 'model.read');
  const after = query.after === undefined ? undefined : keyIn(query.after);
  const models = await parts.store.modelsAfter(parts.database.reader, { scope, after, limit: query.limit + 1 });
  const shown = models.slice(0, query.limit);
  const last = models.length > query.limit ? shown.at(-1) : undefined;
  const items = await render(parts, shown);
  return last === undefined ? { items } : { items, next: cursorOf(last.name) };
}

/** How many models the caller sees; none with a token that may not read them. */
export async function countModels(parts: ReadParts, caller: Caller): Promise<number> {
  if (caller.actor.token?.actions?.includes('model.read') === false) return 0;
  return await parts.store.countModels(parts.database.reader, parts.identity.scope(caller, 'model.read'));
}

async function render(parts: ReadParts, models: readonly ModelRecord[]): Promise<readonly Model[]> {
  const pointers = await parts.store.pointersOf(
    parts.database.reader,
    models.map((model) => model.id),
  );
  return models.map((model) => {
    const own = pointers.get(model.id);
    if (own === undefined) throw new MusterError('internal_error', `the model ${model.id} has no pointers`);
    return renderModel(model, own);
  });
}
