import { MusterError, endpointLimitsSchema, type updateEndpointSchema } from '@muster-ml/protocol';
import type { z } from 'zod';
import type { Caller } from '../identity/index.ts';
import { type DeploymentParts, changeEndpoint } from './change-endpoint.ts';
import { useCaseFor } from '../usecases/index.ts';
import { say } from './change.ts';
import type { EndpointRecord, EndpointState } from './endpoint.ts';

/**
 * Changes what an endpoint says of itself and its limits: what the patch leaves out stays, null takes it away. Throws
 * `stale_revision` where `revision` is given and is not the present one, `actor_not_found` (also for an owner who is
 * disabled), `usecase_not_found`, `usecase_unfit`.
 */
export async function updateEndpoint(
  parts: DeploymentParts,
  caller: Caller,
  name: string,
  patch: z.output<typeof updateEndpointSchema>,
  revision: number | undefined,
): Promise<EndpointState> {
  return await changeEndpoint(parts, caller, 'endpoint.update', name, async (change, tx) => {
    const before = change.after.endpoint;
    if (revision !== undefined && revision !== before.revision)
      throw new MusterError('stale_revision', `${name} has revision ${before.revision}, not ${revision}`, {
        place: 'If-Match',
      });
    const owner = patch.owner === undefined ? before.owner : await parts.identity.ownerId(patch.owner, 'body.owner');
    const useCaseId =
      typeof patch.useCase === 'string'
        ? (await useCaseFor(parts, tx, caller, patch.useCase, before.team)).id
        : given(patch.useCase, before.useCaseId);
    const endpoint: EndpointRecord = {
      ...before,
      description: patch.description ?? before.description,
      tags: patch.tags ?? before.tags,
      limits: endpointLimitsSchema.parse({ ...before.limits, ...patch.limits }),
      owner,
      useCaseId,
      objective: given(patch.objective, before.objective),
      runbook: given(patch.runbook, before.runbook),
      revision: before.revision + 1,
    };
    change.after = { ...change.after, endpoint };
    const fields = Object.keys(patch);
    say(change, 'info', null, 'updated', `changed: ${fields.join(', ')}`);
    const ctx = {
      fields,
      revision: endpoint.revision,
      ...(owner === before.owner ? {} : { owner }),
      ...(useCaseId === before.useCaseId ? {} : { useCase: useCaseId }),
    };
    return { result: change.after, ctx };
  });
}

/** Null is a value: it takes away what was there. */
function given<T>(wished: T | undefined, before: T): T {
  return wished === undefined ? before : wished;
}
