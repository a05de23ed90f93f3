import { MusterError, endpointLimitsSchema, type updateEndpointSchema } from '@muster-ml/protocol';
import type { z } from 'zod';
import type { Caller } from '../identity/index.ts';
import { type DeploymentParts, changeEndpoint } from './change-endpoint.ts';
import { say } from './change.ts';
import type { EndpointRecord, EndpointState } from './endpoint.ts';

/** Changes description, tags or limits. Throws `stale_revision` where `revision` is given and is not the present one. */
export async function updateEndpoint(
  parts: DeploymentParts,
  caller: Caller,
  name: string,
  patch: z.output<typeof updateEndpointSchema>,
  revision: number | undefined,
): Promise<EndpointState> {
  return await changeEndpoint(parts, caller, 'endpoint.update', name, (change) => {
    const before = change.after.endpoint;
    if (revision !== undefined && revision !== before.revision)
      throw new MusterError('stale_revision', `${name} has revision ${before.revision}, not ${revision}`, {
        place: 'If-Match',
      });
    const endpoint: EndpointRecord = {
      ...before,
      description: patch.description ?? before.description,
      tags: patch.tags ?? before.tags,
      limits: endpointLimitsSchema.parse({ ...before.limits, ...patch.limits }),
      revision: before.revision + 1,
    };
    change.after = { ...change.after, endpoint };
    const fields = Object.keys(patch);
    say(change, 'info', null, 'updated', `changed: ${fields.join(', ')}`);
    return { result: change.after, ctx: { fields, revision: endpoint.revision } };
  });
}
