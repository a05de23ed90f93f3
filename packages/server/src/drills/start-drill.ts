import { type Action, type Endpoint, MusterError, type Operation, type startDrillSchema } from '@muster-ml/protocol';
import type { z } from 'zod';
import { type Caller, ledgerActor } from '../identity/index.ts';
import { type DrillTask, usualRequestsPerSecond } from './drill.ts';
import type { DrillParts } from './parts.ts';

export type DrillWish = z.output<typeof startDrillSchema>;

/** What a drill does to an endpoint, which whoever asks for it must be allowed to do themselves. */
const does = {
  load: ['endpoint.predict'],
  failover: ['endpoint.predict', 'endpoint.deploy'],
  rollback: ['endpoint.predict', 'endpoint.deploy', 'endpoint.rollback'],
} as const satisfies Readonly<Record<DrillWish['kind'], readonly Action[]>>;

/**
 * Notes that a drill is to be done, and holds the endpoint for it; `runDrill` lets go of it.
 *
 * Throws `endpoint_not_found`, `not_allowed`, `endpoint_observed`, `drill_impossible` where it is not ready to be tried,
 * `drill_running`, `invalid_request` for less load than the objective names.
 */
export async function startDrill(
  parts: DrillParts,
  caller: Caller,
  name: string,
  wish: DrillWish,
): Promise<{ readonly operation: Operation; readonly task: DrillTask }> {
  const { deployments, identity, database, operations, ledger, clock } = parts;
  const { id, team } = await deployments.servedEndpoint(caller, 'drill.run', name);
  const endpoint = await deployments.getEndpoint(caller, name, 'drill.run');
  refuseObserved(endpoint);
  const { kind, ...settings } = wish;
  const requestsPerSecond = rateOf(endpoint, wish);
  const before = liveOf(endpoint, kind);
  for (const action of does[kind]) identity.authorize(caller, action, { kind: 'endpoint', id: name, team });
  const task: DrillTask = {
    kind,
    endpoint: { id, name, team },
    settings,
    requestsPerSecond,
    objective: endpoint.objective ?? null,
    timeoutMs: endpoint.limits.timeoutMs,
    before,
    startedAt: clock.now(),
  };
  parts.hold.hold(id, () => new MusterError('drill_running', `a drill of ${name} is under way`));
  try {
    const operation = await database.inTransaction(async (tx) => {
      const created = await operations.create(tx, {
        kind: 'drill',
        subject: `endpoint/${name}`,
        team,
        createdBy: caller.actor.id,
        input: { ...task },
        progress: 'getting ready',
      });
      await ledger.append(tx, {
        actor: ledgerActor(caller),
        action: 'drill.run',
        subject: { kind: 'endpoint', id: name },
        team,
        outcome: 'allowed',
        request: caller.requestId,
        ctx: {
          endpoint: id,
          operation: created.id,
          drill: kind,
          seconds: settings.seconds,
          requestsPerSecond: String(requestsPerSecond),
          model: before.model,
          version: before.version,
        },
      });
      return created;
    });
    return { operation, task };
  } catch (error) {
    parts.hold.release(id);
    throw error;
  }
}

/** Throws `endpoint_observed` for one that something else serves: nothing of it can be ended or rolled back here. */
export function refuseObserved({ kind, name }: Pick<Endpoint, 'kind' | 'name'>): void {
  if (kind === 'observed') throw new MusterError('endpoint_observed', `${name} is not served here, only watched`);
}

/** The load that is made: what is asked for, else what the objective names. */
function rateOf({ name, objective }: Endpoint, { kind, requestsPerSecond }: DrillWish): number {
  if (kind === 'load') {
    if (objective === null || objective === undefined)
      throw new MusterError('drill_impossible', `${name} has no objective to be measured by`, {
        remedy: `Say what callers may count on: muster endpoint update ${name} --objective "p95<200ms@20rps,errors<1%"`,
      });
    if (requestsPerSecond !== undefined && requestsPerSecond < objective.requestsPerSecond)
      throw new MusterError(
        'invalid_request',
        `${requestsPerSecond} requests a second say nothing about the objective, which is for ${objective.requestsPerSecond}`,
        { place: 'body.requestsPerSecond', remedy: 'Leave it out, or ask for more.' },
      );
  }
  return requestsPerSecond ?? objective?.requestsPerSecond ?? usualRequestsPerSecond;
}

/** What is live now, ready and alone. Throws `drill_impossible`. */
function liveOf({ name, ready, deployments }: Endpoint, kind: DrillWish['kind']): DrillTask['before'] {
  const live = deployments.find(({ role, state }) => role === 'live' && state === 'ready');
  if (live === undefined || !ready)
    throw new MusterError('drill_impossible', `${name} has no live version that is ready`, {
      remedy: `See what it lacks: muster endpoint show ${name}`,
    });
  const starting = deployments.find(({ role, state }) => role === 'live' && state === 'starting');
  if (kind !== 'load' && starting !== undefined)
    throw new MusterError('drill_impossible', `${starting.model}:${starting.version} is on its way to be live`, {
      remedy: `Wait until it is: muster endpoint show ${name}`,
    });
  return { model: live.model, version: live.version, settings: live.settings };
}
