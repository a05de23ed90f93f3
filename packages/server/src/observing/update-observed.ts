import { MusterError, type Observed, type updateObservedSchema } from '@muster-ml/protocol';
import type { z } from 'zod';
import type { Caller } from '../identity/index.ts';
import { changedDetails, detailsContext } from './observed.ts';
import type { ObservedDetails } from './observed.ts';
import type { ObservingParts } from './parts.ts';
import { getObserved } from './read-observed.ts';
import { requireProbe } from './require-probe.ts';

/**
 * Changes where it is, what it serves, or how it is looked at; null takes something away.
 *
 * Throws `endpoint_not_found`, `not_allowed`, `endpoint_served`, `probe_not_allowed`.
 */
export async function updateObserved(
  parts: ObservingParts,
  caller: Caller,
  name: string,
  patch: z.output<typeof updateObservedSchema>,
): Promise<Observed> {
  const { deployments, store, rules } = parts;
  await deployments.changeObservedEndpoint(caller, name, async (tx, id) => {
    requireProbe(patch.probe, rules, 'body.probe');
    const before = id === undefined ? undefined : await store.find(tx, id);
    if (before === undefined) throw new MusterError('internal_error', `${name} is observed and has no details`);
    const after: ObservedDetails = {
      platform: patch.platform ?? before.platform,
      location: patch.location ?? before.location,
      model: patch.model === undefined ? before.model : patch.model,
      version: patch.version === undefined ? before.version : patch.version,
      source: before.source,
      probe: patch.probe === undefined ? before.probe : patch.probe,
    };
    return {
      changed: changedDetails(before, after),
      ctx: detailsContext(after),
      save: async () => await store.change(tx, before, after),
    };
  });
  if (patch.probe !== undefined) parts.wake();
  return await getObserved(parts, caller, name);
}
