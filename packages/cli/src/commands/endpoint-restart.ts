import { setTimeout as sleep } from 'node:timers/promises';
import type { Client } from '@muster-ml/client';
import { type Endpoint, MusterError } from '@muster-ml/protocol';
import { Interrupted } from '../interrupted.ts';
import type { Invocation } from '../invocation.ts';
import { beginStep } from '../output/progress.ts';

const pollMs = 500;

/** Starts the replicas of an endpoint anew, as with new secrets, and shows the endpoint with `--json`. */
export async function endpointRestart(invocation: Invocation, name: string): Promise<void> {
  const client = await invocation.client();
  await restartEndpoint(invocation, client, name, `${name} runs with new replicas`);
  if (invocation.flags.json !== true) return;
  invocation.terminal.print(JSON.stringify(await client.call('endpointGet', { params: { endpoint: name } })));
}

/** Starts the replicas of an endpoint anew and waits until only new ones are left, which `done` says then. Throws their error where they fail. */
export async function restartEndpoint(
  invocation: Invocation,
  client: Client,
  name: string,
  done: string,
): Promise<void> {
  const { surroundings } = invocation;
  const params = { endpoint: name };
  const read = async (): Promise<Endpoint> => await client.call('endpointGet', { params });
  const old = new Set(replicasOf(await read()).map(({ id }) => id));
  await client.call('endpointRestart', { params });
  const step = beginStep(invocation.terminal, `starting the replicas of ${name} anew`);
  try {
    for (;;) {
      const endpoint = await read();
      const replicas = replicasOf(endpoint);
      const failed = replicas.find(({ id, state }) => !old.has(id) && state === 'failed');
      if (failed !== undefined) {
        step.fail(`${name} goes on with its old replicas`);
        throw new MusterError(
          'deployment_failed',
          `a replica of ${name} did not start: ${failed.problem?.detail ?? ''}`,
        );
      }
      if (endpoint.ready && replicas.every(({ id, state }) => !old.has(id) && state === 'ready')) break;
      await sleep(pollMs, undefined, { signal: surroundings.interruption });
    }
    step.done(done);
  } catch (error) {
    if (error instanceof MusterError && error.code === 'deployment_failed') throw error;
    step.drop();
    if (surroundings.interruption.aborted)
      throw new Interrupted(`It goes on in the server: muster endpoint show ${name}`);
    throw error;
  }
}

function replicasOf({ deployments }: Endpoint): Endpoint['deployments'][number]['replicas'] {
  return deployments
    .filter(({ state }) => state !== 'ended' && state !== 'failed' && state !== 'draining')
    .flatMap(({ replicas }) => replicas);
}
