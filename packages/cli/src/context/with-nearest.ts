import type { Client } from '@muster-ml/client';
import { MusterError, nearestName } from '@muster-ml/protocol';

/** What a mistyped name can be looked for among. */
type Named = 'endpoint' | 'model' | 'actor' | 'team';

const lists = {
  endpoint: 'endpointList',
  model: 'modelList',
  actor: 'actorList',
  team: 'teamList',
} as const satisfies Readonly<Record<Named, string>>;

/** Adds the name that was most likely meant to an error that says that there is none of this one. */
export async function withNearest<T>(client: Client, kind: Named, name: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof MusterError) || error.code !== `${kind}_not_found`) throw error;
    const near = nearestName(name, await namesOf(client, kind).catch(() => []));
    if (near === undefined) throw error;
    throw new MusterError(error.code, error.message, {
      remedy: `${near} exists: check the name.`,
      details: error.details,
      cause: error,
      ...(error.requestId === undefined ? {} : { requestId: error.requestId }),
    });
  }
}

/** The first thousand names, which is enough to look for a mistyped one. */
export async function namesOf(client: Client, kind: Named): Promise<string[]> {
  const { items } = await client.call(lists[kind], { query: { limit: 1000 } });
  return items.map(({ name }) => name);
}
