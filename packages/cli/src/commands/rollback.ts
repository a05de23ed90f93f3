import type { Endpoint } from '@muster-ml/protocol';
import { withNearest } from '../context/with-nearest.ts';
import { followOperation } from '../handover/follow-operation.ts';
import type { Invocation } from '../invocation.ts';
import { readyText } from '../output/endpoint-text.ts';
import { showDeployed } from '../output/show-deployed.ts';

export interface RollbackFlags {
  readonly force?: string;
}

/** Brings back what was live before, and waits until it is. */
export async function rollback(invocation: Invocation, name: string, flags: RollbackFlags): Promise<void> {
  const client = await invocation.client();
  const startedAt = performance.now();
  const body = flags.force === undefined ? {} : { force: flags.force };
  const operation = await withNearest(
    client,
    'endpoint',
    name,
    async () => await client.call('rollback', { params: { endpoint: name }, body }),
  );
  let endpoint: Endpoint | undefined;
  await followOperation(invocation, client, operation, async () => {
    endpoint = await client.call('endpointGet', { params: { endpoint: name } });
    return `rolled back: ${readyText(endpoint, 'live', performance.now() - startedAt)}`;
  });
  await showDeployed(invocation, client, { name, role: 'live', endpoint, sampleFile: undefined });
}
