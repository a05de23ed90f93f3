import { type AliasedModel, type MlflowServer } from '@muster-ml/client';
import { toSlug } from '../handover/derive-name.ts';
import { UsageError } from '../usage-error.ts';
import type { ImportDefaults, ImportItem, ReadItems, Skipped } from './import-item.ts';

/** Reads which models of an MLflow server have an alias, and the version that it names. Throws what the server says. */
export async function readMlflow(mlflow: MlflowServer, alias: string, defaults: ImportDefaults): Promise<ReadItems> {
  return itemsOf(await mlflow.aliased(alias), mlflow.url, alias, defaults);
}

/** Pure. Throws `UsageError` where two models would have one name. */
export function itemsOf(
  models: readonly AliasedModel[],
  server: string,
  alias: string,
  { team, owner }: ImportDefaults,
): ReadItems {
  const skipped: Skipped[] = [];
  const items: ImportItem[] = [];
  const taken = new Map<string, string>();
  for (const { model, version, description } of models) {
    const place = `models:/${model}@${alias}`;
    const name = toSlug(model);
    if (name === undefined) {
      skipped.push({ what: model, place, why: 'no letter of its name can be kept' });
      continue;
    }
    const before = taken.get(name);
    if (before !== undefined)
      throw new UsageError(`${model} and ${before} would both be ${name}`, 'Rename one of them in MLflow.', place);
    taken.set(name, model);
    items.push({
      place,
      body: {
        name,
        platform: 'mlflow',
        location: server.slice(0, 1000),
        description: description.slice(0, 10_000),
        model: model.slice(0, 256),
        version: version.slice(0, 100),
        tags: { alias },
        ...(team === undefined ? {} : { team }),
        ...(owner === undefined ? {} : { owner }),
      },
    });
  }
  return { items, skipped };
}
