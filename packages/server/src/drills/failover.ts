import { type Endpoint, MusterError } from '@muster-ml/protocol';
import { type Finding, figuresOf, recoveryLimitMs, whyText } from './drill.ts';
import type { Load } from './load/load-thread.ts';
import { type Drilling, hasMoreAnswers, underLoad } from './under-load.ts';
import { waitUntil } from './wait-until.ts';

/** Times of the two halves; undefined where it did not come to an end. */
interface Survived {
  readonly recoveryMs: number | undefined;
  readonly rolloutMs: number | undefined;
}

const rolloutLimitMs = 120_000;

/** R21: kills a runner of the live version, then starts all its replicas anew, while callers must not notice. */
export async function failover(drilling: Drilling): Promise<Finding> {
  const { found, acted } = await underLoad(drilling, async (load) => await survive(drilling, load));
  const { recoveryMs, rolloutMs } = acted;
  const misses = [
    ...(found.failed > 0 ? [`${found.failed} of ${found.requests} requests failed${whyText(found)}`] : []),
    ...(recoveryMs === undefined
      ? [`it was not ready again within ${recoveryLimitMs / 1000} s of a runner's death`]
      : []),
    ...(recoveryMs !== undefined && rolloutMs === undefined
      ? [`its replicas were not all started anew within ${rolloutLimitMs / 1000} s`]
      : []),
  ];
  return {
    passed: misses.length === 0,
    summary:
      misses.length === 0
        ? `no request failed; ready again ${recoveryMs} ms after a runner's death, and all replicas anew in ${rolloutMs} ms`
        : misses.join('; '),
    figures: {
      ...figuresOf(found),
      ...(recoveryMs === undefined ? {} : { recoveryMs }),
      ...(rolloutMs === undefined ? {} : { rolloutMs }),
    },
  };
}

async function survive(drilling: Drilling, load: Load): Promise<Survived> {
  const recoveryMs = await killOne(drilling);
  if (recoveryMs === undefined || !(await hasMoreAnswers(drilling, load)))
    return { recoveryMs: undefined, rolloutMs: undefined };
  return { recoveryMs, rolloutMs: await rollOut(drilling) };
}

/** Kills a runner and waits until every replica answers again. */
async function killOne(drilling: Drilling): Promise<number | undefined> {
  const { parts, signal } = drilling;
  const runnerId = liveReplicas(await look(drilling)).find(({ state }) => state === 'ready')?.runner;
  const runner = parts.runtimeHost.observed().find(({ id }) => id === runnerId);
  if (runner === undefined) throw new MusterError('drill_impossible', 'no runner of it is there to be ended');
  const others = runner.replicas.length - 1;
  drilling.progress(
    others === 0
      ? 'ending a runner'
      : `ending a runner; ${others} other ${others === 1 ? 'replica' : 'replicas'} in it start anew, too, and what is in flight for them is sent again`,
  );
  const killedAt = performance.now();
  // Before it dies: the gateways may tell of it sooner than the host.
  parts.deployments.reconciler.expectDeath(runner.id);
  await parts.runtimeHost.endRunner(runner.id, `a failover drill of ${drilling.task.endpoint.name}`);
  const hasDied = (): boolean =>
    parts.runtimeHost.observed().find(({ id }) => id === runner.id)?.restarts !== runner.restarts;
  const isBack = await waitUntil(async () => hasDied() && (await look(drilling)).ready, {
    limitMs: recoveryLimitMs,
    signal,
  });
  return isBack ? Math.round(performance.now() - killedAt) : undefined;
}

/** Starts all replicas anew and waits until only new ones are left. */
async function rollOut(drilling: Drilling): Promise<number | undefined> {
  const { parts, caller, task, signal } = drilling;
  drilling.progress('starting all replicas anew');
  const startedAt = performance.now();
  const old = new Set(liveReplicas(await look(drilling)).map(({ id }) => id));
  await parts.deployments.restartReplicas(caller, task.endpoint.name);
  const isDone = await waitUntil(
    async () => {
      const endpoint = await look(drilling);
      const replicas = liveReplicas(endpoint);
      return endpoint.ready && replicas.length > 0 && !replicas.some(({ id }) => old.has(id));
    },
    { limitMs: rolloutLimitMs, signal },
  );
  return isDone ? Math.round(performance.now() - startedAt) : undefined;
}

async function look({ parts, caller, task }: Drilling): Promise<Endpoint> {
  return await parts.deployments.getEndpoint(caller, task.endpoint.name, 'drill.run');
}

function liveReplicas({ deployments }: Endpoint): Endpoint['deployments'][number]['replicas'] {
  return deployments
    .filter(({ role, state }) => role === 'live' && (state === 'ready' || state === 'unready'))
    .flatMap(({ replicas }) => replicas);
}
