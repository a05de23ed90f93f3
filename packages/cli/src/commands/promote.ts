import type { Endpoint } from '@muster-ml/protocol';
import { withNearest } from '../context/with-nearest.ts';
import { followOperation } from '../handover/follow-operation.ts';
import type { Invocation } from '../invocation.ts';
import { readyText } from '../output/endpoint-text.ts';
import { showDeployed } from '../output/show-deployed.ts';

/** Makes the canary, or else the shadow, live, and waits until it is. */
export async function promote(invocation: Invocation, name: string): Promise<void> {
  const client = await invocation.client();
  const startedAt = performance.now();
  const operation = await withNearest(
    client,
    'endpoint',
    name,
    async () => await client.call('promote', { params: { endpoint: name } }),
  );
  let endpoint: Endpoint | undefined;
  await followOperation(invocation, client, operation, async () => {
    endpoint = await client.call('endpointGet', { params: { endpoint: name } });
    return `promoted: ${readyText(endpoint, 'live', performance.now() - startedAt)}`;
  });
  await showDeployed(invocation, client, { name, role: 'live', endpoint, sampleFile: undefined });
}
