import { setTimeout as delay } from 'node:timers/promises';
import { type Client, errorIn } from '@muster-ml/client';
import type { Endpoint, RestoreReport } from '@muster-ml/protocol';
import { allPages } from '../context/all-pages.ts';
import { exampleOf, explain } from '../prediction/explain.ts';

/** What a drill looked at, and whether it was as it should be. */
export interface Check {
  readonly what: string;
  readonly ok: boolean;
  readonly found: string;
}

const pollMs = 200;

/** What the server that runs on restored data has, beside what the backup says. */
export async function* checkRestored(
  client: Client,
  report: RestoreReport,
  options: { readonly waitMs: number; readonly signal: AbortSignal },
): AsyncGenerator<Check> {
  const status = await client.call('status');
  yield { what: 'server', ok: status.database.ok && status.objects.ok, found: `Muster ${status.version} answers` };
  const models = report.facts.tables['model'] ?? 0;
  const seen = status.counts.models;
  yield {
    what: 'models',
    ok: seen === models,
    found: seen === models ? `${models}, as in the backup` : `${seen} and not ${models}`,
  };
  const endpoints = await allPages((query) => client.call('endpointList', { query }));
  const live = endpoints.filter((endpoint) => liveOf(endpoint) !== undefined);
  yield { what: 'endpoints', ok: true, found: `${endpoints.length}, ${live.length} with a live version` };
  const byRuntime = new Map<string, Endpoint>();
  for (const endpoint of live) {
    const deployment = liveOf(endpoint);
    if (deployment === undefined) continue;
    const { model, version } = deployment;
    const { runtime } = await client.call('versionGet', { params: { model, version } });
    // One that was well is the better witness.
    const known = byRuntime.get(runtime);
    if (known === undefined || (!isWell(known) && isWell(endpoint))) byRuntime.set(runtime, endpoint);
  }
  for (const [runtime, { name }] of byRuntime) yield await predictWith(client, runtime, name, options);
}

/** Waits until the endpoint is ready, and sends it the row that it gives as an example. */
async function predictWith(
  client: Client,
  runtime: string,
  name: string,
  options: { readonly waitMs: number; readonly signal: AbortSignal },
): Promise<Check> {
  const what = `prediction (${runtime})`;
  const deadline = Date.now() + options.waitMs;
  for (;;) {
    const endpoint = await client.call('endpointGet', { params: { endpoint: name } });
    if (endpoint.ready) break;
    const deployment = liveOf(endpoint);
    const hasFailed = deployment?.state === 'failed' || deployment?.state === 'quarantined';
    if (hasFailed || Date.now() > deadline) {
      const why =
        deployment?.problem === undefined ? '' : `: ${deployment.problem.title}: ${deployment.problem.detail}`;
      return { what, ok: false, found: `${name} is ${deployment?.state ?? 'gone'}${why}` };
    }
    await delay(pollMs, undefined, { signal: options.signal });
  }
  const example = exampleOf(await explain(client, name));
  if (example === undefined) return { what, ok: false, found: `${name} gives no example row` };
  const response = await client.request(`/predict/${encodeURIComponent(name)}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(example),
  });
  if (!response.ok) return { what, ok: false, found: `${name}: ${(await errorIn(response)).message}` };
  await response.body?.cancel();
  return { what, ok: true, found: `${name} answers` };
}

function liveOf({ deployments }: Endpoint): Endpoint['deployments'][number] | undefined {
  return deployments.find(({ role, state }) => role === 'live' && state !== 'ended' && state !== 'draining');
}

function isWell(endpoint: Endpoint): boolean {
  const state = liveOf(endpoint)?.state;
  return state !== 'failed' && state !== 'quarantined';
}
