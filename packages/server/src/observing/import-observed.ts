import { type ImportResult, MusterError, type importObservedSchema } from '@muster-ml/protocol';
import type { z } from 'zod';
import type { Caller } from '../identity/index.ts';
import { putObserved } from './create-observed.ts';
import type { ObservingParts } from './parts.ts';

type Item = ImportResult['items'][number];

/** Errors that are not those of one item: the rest would meet them, too. */
const ends: ReadonlySet<string> = new Set(['internal', 'unavailable', 'exhausted', 'unauthenticated']);

/**
 * Lists many, each in a transaction of its own, and brings up to date what is there already under its name. What an item
 * leaves out stays as it is, so that a table without a column does not take away what somebody wrote. Nothing is written,
 * and no entry made, where nothing differs, or with `dryRun`.
 */
export async function importObserved(
  parts: ObservingParts,
  caller: Caller,
  { source, items, dryRun }: z.output<typeof importObservedSchema>,
): Promise<ImportResult> {
  // Whether the token is for it at all; whose the items are is decided one by one.
  parts.identity.scope(caller, 'endpoint.observe');
  const first = new Map<string, number>();
  const results: Item[] = [];
  for (const [at, item] of items.entries()) {
    const place = `body.items[${at}]`;
    const before = first.get(item.name);
    results.push(
      await refusable(item.name, async () => {
        if (before !== undefined)
          throw new MusterError('invalid_request', `item ${at + 1} has the name of item ${before + 1}`, {
            place: `${place}.name`,
            remedy: 'Give each its own name.',
          });
        return await putObserved(parts, caller, item, source, { mayExist: true, dryRun, place });
      }),
    );
    if (before === undefined) first.set(item.name, at);
  }
  if (!dryRun && items.some(({ probe }) => probe !== undefined)) parts.wake();
  return { items: results };
}

async function refusable(name: string, work: () => Promise<Exclude<Item['result'], 'refused'>>): Promise<Item> {
  try {
    return { name, result: await work(), problem: null };
  } catch (error) {
    if (!(error instanceof MusterError) || ends.has(error.kind)) throw error;
    const { code, message, remedy } = error;
    return { name, result: 'refused', problem: { code, detail: message, remedy } };
  }
}
