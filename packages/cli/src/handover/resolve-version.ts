import type { Client } from '@muster-ml/client';
import { MusterError, type Runtime } from '@muster-ml/protocol';
import type { ModelReference } from './model-reference.ts';

/** The number of the version that is meant. Throws `model_not_found` and `alias_not_found`. */
export async function resolveVersion(client: Client, reference: ModelReference): Promise<number> {
  if ('version' in reference) return reference.version;
  const { aliases } = await client.call('modelGet', { params: { model: reference.model } });
  const version = Object.hasOwn(aliases, reference.alias) ? aliases[reference.alias] : undefined;
  if (version !== undefined) return version;
  const known = Object.keys(aliases);
  throw new MusterError(
    'alias_not_found',
    `${reference.model} has no alias ${reference.alias}${known.length === 0 ? '' : `; it has ${known.join(', ')}`}`,
  );
}

/** What runs the version that is meant. */
export async function runtimeOf(client: Client, reference: ModelReference): Promise<Runtime> {
  const version = await resolveVersion(client, reference);
  return (await client.call('versionGet', { params: { model: reference.model, version } })).runtime;
}
