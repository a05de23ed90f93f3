import { withNearest } from '../context/with-nearest.ts';
import type { Invocation } from '../invocation.ts';
import { deploymentOf, versionText } from '../output/endpoint-text.ts';
import { UsageError } from '../usage-error.ts';

/** Ends the canary or the shadow of an endpoint; the live version gets all requests again. */
export async function endpointEnd(invocation: Invocation, name: string, role: string): Promise<void> {
  const { terminal, flags } = invocation;
  if (role !== 'canary' && role !== 'shadow')
    throw new UsageError(
      `\`${role}\` cannot be ended by itself`,
      'Write canary or shadow; the live version ends with the endpoint, or by deploying another.',
      role,
    );
  const client = await invocation.client();
  const endpoint = await withNearest(
    client,
    'endpoint',
    name,
    async () => await client.call('endpointGet', { params: { endpoint: name } }),
  );
  const deployment = deploymentOf(endpoint, role);
  if (deployment === undefined) {
    const { MusterError } = await import('@muster-ml/protocol');
    throw new MusterError('deployment_not_found', `${name} has no ${role}`);
  }
  await client.call('deploymentEnd', { params: { endpoint: name, deployment: deployment.id } });
  if (flags.json === true) terminal.print(JSON.stringify({ ended: deployment.id }));
  terminal.note(`${terminal.paintNotes.green(terminal.symbols.done)} ended ${versionText(deployment)}`);
  terminal.note(`See it   muster endpoint show ${name}`);
}
