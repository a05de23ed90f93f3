import { MusterError, type Observe, type Observed } from '@muster-ml/protocol';
import type { Caller } from '../identity/index.ts';
import { detailsAfter, changedDetails, detailsContext, detailsOf } from './observed.ts';
import type { ObservedSource } from './observed.ts';
import type { ObservingParts } from './parts.ts';
import { getObserved } from './read-observed.ts';
import { requireProbe } from './require-probe.ts';

type PutParts = Pick<ObservingParts, 'deployments' | 'store' | 'rules'>;

/**
 * Lists an endpoint that something else serves.
 *
 * Throws `not_allowed`, `team_not_found`, `endpoint_exists`, `actor_not_found`, `usecase_not_found`, `usecase_unfit`,
 * `probe_not_allowed`.
 */
export async function createObserved(parts: ObservingParts, caller: Caller, wish: Observe): Promise<Observed> {
  const options = { mayExist: false, dryRun: false, place: 'body' };
  await putObserved(parts, caller, wish, 'hand', options);
  if (wish.probe !== undefined) parts.wake();
  return await getObserved(parts, caller, wish.name);
}

/** Lists one or brings it up to date, with its details, in one transaction. */
export async function putObserved(
  { deployments, store, rules }: PutParts,
  caller: Caller,
  wish: Observe,
  source: ObservedSource,
  options: { readonly mayExist: boolean; readonly dryRun: boolean; readonly place: string },
): Promise<'added' | 'updated' | 'unchanged'> {
  const { name, team, description, owner, useCase, runbook, tags } = wish;
  return await deployments.observeEndpoint(
    caller,
    { name, team, description, owner, useCase, runbook, tags },
    options,
    async (tx, known) => {
      // After the caller was found to have the right: which hosts are listed is not everybody's to find out.
      requireProbe(wish.probe, rules, `${options.place}.probe`);
      if (known === undefined) {
        const details = detailsOf(wish, source);
        return { changed: [], ctx: detailsContext(details), save: async (id) => await store.add(tx, id, details) };
      }
      const before = await store.find(tx, known);
      if (before === undefined) throw new MusterError('internal_error', `${name} is observed and has no details`);
      const after = detailsAfter(before, wish, source);
      return {
        changed: changedDetails(before, after),
        ctx: detailsContext(after),
        save: async () => await store.change(tx, before, after),
      };
    },
  );
}
