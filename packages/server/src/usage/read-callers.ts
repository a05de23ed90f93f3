import {
  type CallersQuery,
  type EndpointCaller,
  type EndpointCallers,
  type UsageTotals,
  otherCallers,
} from '@muster-ml/protocol';
import type { Caller } from '../identity/index.ts';
import { hourMs, hourOf } from './hours.ts';
import type { UsageParts } from './parts.ts';
import type { CallerUse } from './store.ts';

/** Who called an endpoint, those with most calls first. Throws `endpoint_not_found`, `not_allowed`. */
export async function readCallers(
  parts: UsageParts,
  caller: Caller,
  name: string,
  { hours, limit }: CallersQuery,
): Promise<EndpointCallers> {
  const endpoint = await parts.deployments.servedEndpoint(caller, 'endpoint.callers', name);
  const now = parts.clock.now();
  const from = hourOf(now - hours * hourMs);
  const uses = await parts.store.callers(endpoint, from);
  const callers = byActor(uses).toSorted(busiestFirst);
  const shown = callers.slice(0, limit);
  // Whoever may ask sees the names: nobody calls an endpoint whom its own team has not let.
  const names = await parts.identity.namesOf(shown.map(({ actor }) => actor).filter((id) => id !== otherCallers));
  return {
    endpoint: endpoint.name,
    from: new Date(from).toISOString(),
    to: new Date(now).toISOString(),
    total: sumOf(uses),
    callers: shown.map((one) => ({ ...one, name: names.get(one.actor) ?? null })),
    omitted: callers.length - shown.length,
  };
}

type NamelessCaller = Omit<EndpointCaller, 'name'>;

function byActor(uses: readonly CallerUse[]): NamelessCaller[] {
  return [...Map.groupBy(uses, ({ actor }) => actor)].map(([actor, versions]) => ({
    actor,
    ...sumOf(versions),
    lastCallAt: new Date(Math.max(...versions.map(({ lastAt }) => lastAt))).toISOString(),
    versions: versions
      .map(({ model, version, ...use }) => ({ model, version, ...sumOf([use]) }))
      .toSorted((a, b) => b.requests - a.requests),
  }));
}

function sumOf(uses: readonly UsageTotals[]): UsageTotals {
  const sum = { requests: 0, clientErrors: 0, serverErrors: 0, refused: 0, rows: 0, runMs: 0 };
  for (const use of uses)
    for (const field of ['requests', 'clientErrors', 'serverErrors', 'refused', 'rows', 'runMs'] as const)
      sum[field] += use[field];
  return sum;
}

function busiestFirst(a: NamelessCaller, b: NamelessCaller): number {
  return b.requests + b.refused - (a.requests + a.refused) || (a.actor < b.actor ? -1 : 1);
}
