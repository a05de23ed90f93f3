import { type ErrorCode, MusterError, type Problem, catalogue, toProblem } from '@muster-ml/protocol';
import { type Change, endFailed, endSucceeded, named, put, say } from './change.ts';
import { type DeploymentRecord, answers, drain, isServing, isWanted, release, stayingReplicas } from './deployment.ts';
import { servingOf, startingOf } from './endpoint.ts';
import { type Observed, type SeenReplica, isApplied, isUnused } from './observation.ts';
import { giveUp, takeTraffic } from './roll-out.ts';
import { routedDeployments } from './routed-endpoint.ts';

/** The numbers of the decision, in one place. */
export interface ReconcilePolicy {
  /** Loads that may fail before a new deployment is given up. */
  readonly maxAttempts: number;
  readonly firstRetryMs: number;
  readonly longestRetryMs: number;
  /** A deployment that is not ready by then is given up. */
  readonly startTimeoutMs: number;
  /** Crashes are counted over this time. */
  readonly crashWindowMs: number;
  readonly confirmedUntilQuarantine: number;
  readonly deathsUntilQuarantine: number;
  /** A model beyond one of these gets a runner of its own. */
  readonly heavyBytes: number;
  readonly heavyRunMs: number;
}

export const defaultReconcilePolicy: ReconcilePolicy = {
  maxAttempts: 3,
  firstRetryMs: 500,
  longestRetryMs: 60_000,
  startTimeoutMs: 15 * 60_000,
  crashWindowMs: 10 * 60_000,
  confirmedUntilQuarantine: 3,
  deathsUntilQuarantine: 5,
  heavyBytes: 128 * 1024 * 1024,
  heavyRunMs: 20,
};

/** Brings one deployment a step further, by what is seen of it; everything is decided anew from its state each time. */
export function reconcileDeployment(
  change: Change,
  deployment: DeploymentRecord,
  observed: Observed,
  policy: ReconcilePolicy,
  now: number,
): void {
  let current = noteFirstAnswers(deployment, observed, now);
  put(change, current);
  if (isWanted(current)) {
    if (
      current.role !== 'live' &&
      servingOf(change.after, 'live') === undefined &&
      startingOf(change.after, 'live') === undefined
    ) {
      giveUp(
        change,
        current,
        toProblem(new MusterError('nothing_live', `${change.after.endpoint.name} has no live version`)),
      );
    } else if (current.state === 'starting') reconcileStart(change, current, observed, policy, now);
    else reconcileService(change, current, observed, policy, now);
  }
  current = change.after.deployments.find((candidate) => candidate.id === current.id) ?? current;
  current = setApart(change, current, observed, policy);
  current = forget(current, observed);
  // Without replicas there is nothing left to drain.
  put(change, current.state === 'draining' && current.replicas.length === 0 ? drain(current, now) : current);
  // What the gateways have applied is the state that was read, not what has just been decided.
  const wasRouted =
    change.before !== undefined && routedDeployments(change.before).some((routed) => routed.id === current.id);
  const hasComeTrue = wasRouted && isServing(current) && isApplied(observed, current.endpointId);
  if (hasComeTrue && current.operationId !== null) put(change, endSucceeded(change, current));
}

function noteFirstAnswers(deployment: DeploymentRecord, observed: Observed, now: number): DeploymentRecord {
  const isNew = (id: string, readyAt: number | null): boolean =>
    readyAt === null && observed.replicas.get(id)?.state === 'ready';
  if (!deployment.replicas.some((replica) => isNew(replica.id, replica.readyAt))) return deployment;
  return {
    ...deployment,
    replicas: deployment.replicas.map((replica) =>
      isNew(replica.id, replica.readyAt) ? { ...replica, readyAt: now } : replica,
    ),
  };
}

/** On its way: it takes the traffic once every replica answers; it is given up when its loads keep failing. */
function reconcileStart(
  change: Change,
  deployment: DeploymentRecord,
  observed: Observed,
  policy: ReconcilePolicy,
  now: number,
): void {
  if (isReady(deployment, observed)) return takeTraffic(change, deployment, now);
  const missing = observed.missingFiles.get(deployment.served.digest);
  if (missing !== undefined) return giveUp(change, deployment, missing);
  const deaths = observed.crashes.get(deployment.id)?.death ?? 0;
  if (deaths >= policy.maxAttempts) {
    const crashed = new MusterError('model_crashed', `its runner died ${deaths} times while it loaded`, {
      remedy: 'Look at the log of the runner; the file may need more memory or another runtime.',
    });
    return giveUp(change, deployment, toProblem(crashed));
  }
  const failed = failedReplicas(deployment, observed);
  const problem = problemOf(failed.map(([, seen]) => seen));
  if (problem !== undefined) {
    const attempts = deployment.attempts + 1;
    if (attempts >= policy.maxAttempts || isPermanent(problem)) return giveUp(change, deployment, problem);
    return retry(change, deployment, failed, problem, attempts, policy, now);
  }
  if (now - Math.max(deployment.createdAt, observed.since) >= policy.startTimeoutMs) {
    giveUp(
      change,
      deployment,
      toProblem(
        new MusterError('deadline_passed', `it was not ready after ${Math.round(policy.startTimeoutMs / 1000)} s`, {
          remedy: 'Look at the log of the endpoint for what it waits for.',
        }),
      ),
    );
  }
}

/** In service: its state follows what is seen, what failed is tried again for as long as it is wanted, what keeps crashing is stopped. */
function reconcileService(
  change: Change,
  deployment: DeploymentRecord,
  observed: Observed,
  policy: ReconcilePolicy,
  now: number,
): void {
  const crashes = observed.crashes.get(deployment.id);
  if (
    crashes !== undefined &&
    (crashes.confirmed >= policy.confirmedUntilQuarantine || crashes.death >= policy.deathsUntilQuarantine)
  ) {
    return quarantine(
      change,
      deployment,
      `it crashed ${crashes.confirmed + crashes.death} times within ${Math.round(policy.crashWindowMs / 60_000)} minutes`,
    );
  }
  const staying = stayingReplicas(deployment);
  if (!observed.isSettled && staying.some((replica) => !observed.replicas.has(replica.id))) return;
  let current = deployment;
  const isAnswering = answers(deployment, (id) => observed.replicas.get(id)?.state);
  if (isAnswering && current.state === 'unready') {
    current = { ...current, state: 'ready', problem: null };
    say(change, 'info', current, 'ready', `${named(current)} answers again`);
  } else if (!isAnswering && current.state === 'ready') {
    const problem = problemOf(staying.flatMap((replica) => observed.replicas.get(replica.id) ?? []));
    current = { ...current, state: 'unready', problem: problem ?? null };
    say(
      change,
      'warn',
      current,
      'unready',
      `${named(current)} does not answer${problem === undefined ? '' : `: ${problem.detail}`}`,
    );
  }
  if (current.attempts > 0 && isReady(current, observed)) current = { ...current, attempts: 0, retryAt: null };
  put(change, current);
  const failed = failedReplicas(current, observed);
  if (failed.length > 0)
    retry(change, current, failed, problemOf(failed.map(([, replica]) => replica)), current.attempts + 1, policy, now);
}

/** Lets failed replicas go and has others placed after a while, longer each time. */
function retry(
  change: Change,
  deployment: DeploymentRecord,
  failed: readonly (readonly [string, SeenReplica])[],
  problem: Problem | undefined,
  attempts: number,
  policy: ReconcilePolicy,
  now: number,
): void {
  const ids = new Set(failed.map(([id]) => id));
  const waitMs = Math.min(policy.firstRetryMs * 2 ** (attempts - 1), policy.longestRetryMs);
  put(change, {
    ...release(deployment, (replica) => ids.has(replica.id)),
    attempts,
    retryAt: now + waitMs,
    problem: deployment.state === 'ready' ? null : (problem ?? deployment.problem),
  });
  say(
    change,
    'warn',
    deployment,
    'retry',
    `${named(deployment)} failed to load and is tried again in ${waitMs} ms${problem === undefined ? '' : `: ${problem.detail}`}`,
  );
}

/** Stops what keeps crashing. A live one stays in the table and says so; a canary or shadow leaves it, and live takes its requests. */
function quarantine(change: Change, deployment: DeploymentRecord, reason: string): void {
  const problem = toProblem(new MusterError('version_quarantined', `${named(deployment)} is quarantined: ${reason}`));
  endFailed(change, deployment, problem);
  put(change, {
    ...release(deployment),
    state: 'quarantined',
    operationId: null,
    problem,
    servingSince: deployment.role === 'live' ? deployment.servingSince : null,
  });
  say(change, 'error', deployment, 'quarantined', problem.detail);
  const { model, number } = deployment.served;
  change.quarantines.push({ model, version: number, deploymentId: deployment.id, reason });
  change.entries.push({
    action: 'system.deployment.quarantined',
    ctx: { deployment: deployment.id, role: deployment.role, model, version: number, reason },
  });
}

/** Gives a runner of its own to what was running while a pack died, and to what turned out to be heavy. */
function setApart(
  change: Change,
  deployment: DeploymentRecord,
  observed: Observed,
  policy: ReconcilePolicy,
): DeploymentRecord {
  if (deployment.ownReason !== null || !isWanted(deployment) || hasOwnRunners(deployment)) return deployment;
  const packed = stayingReplicas(deployment).filter((replica) => replica.runnerKind === 'pack');
  if (packed.length === 0) return deployment;
  const crashes = observed.crashes.get(deployment.id);
  const seen = packed.flatMap((replica) => observed.replicas.get(replica.id) ?? []);
  const reason =
    crashes !== undefined && crashes.suspected + crashes.confirmed > 0
      ? 'crash'
      : seen.some((replica) => (replica.memoryBytes ?? 0) > policy.heavyBytes)
        ? 'memory'
        : seen.some((replica) => (replica.runMs ?? 0) > policy.heavyRunMs)
          ? 'time'
          : null;
  if (reason === null) return deployment;
  const why = { crash: 'it ran while its pack died', memory: 'it takes much memory', time: 'its runs are long' }[
    reason
  ];
  say(
    change,
    reason === 'crash' ? 'warn' : 'info',
    deployment,
    'own-runner',
    `${named(deployment)} gets a runner of its own: ${why}`,
  );
  return { ...deployment, ownReason: reason };
}

/** Whether the wish itself asks for runners that are shared with nobody. */
export function hasOwnRunners(deployment: DeploymentRecord): boolean {
  const { settings } = deployment;
  return (
    deployment.ownReason !== null ||
    deployment.served.runtime === 'python' ||
    settings.ownRunner ||
    settings.resources.cpu !== undefined ||
    settings.resources.memoryBytes !== undefined
  );
}

/** Drops the replicas that leave and that no gateway uses any more. */
function forget(deployment: DeploymentRecord, observed: Observed): DeploymentRecord {
  const kept = deployment.replicas.filter((replica) => !replica.isLeaving || !isUnused(observed, replica.id));
  return kept.length === deployment.replicas.length ? deployment : { ...deployment, replicas: kept };
}

function isReady(deployment: DeploymentRecord, observed: Observed): boolean {
  const staying = stayingReplicas(deployment);
  return (
    staying.length >= deployment.settings.replicas &&
    staying.every((replica) => replica.readyAt !== null && observed.replicas.get(replica.id)?.state === 'ready')
  );
}

function failedReplicas(deployment: DeploymentRecord, observed: Observed): (readonly [string, SeenReplica])[] {
  return stayingReplicas(deployment).flatMap((replica) => {
    const seen = observed.replicas.get(replica.id);
    return seen?.state === 'failed' ? [[replica.id, seen] as const] : [];
  });
}

const noReason = toProblem(new MusterError('program_failed', 'the runner gave no reason'));

function problemOf(seen: readonly SeenReplica[]): Problem | undefined {
  const failed =
    seen.find((replica) => replica.state === 'failed') ?? seen.find((replica) => replica.problem !== undefined);
  return failed === undefined ? undefined : (failed.problem ?? noReason);
}

/** What the same file, the same environment and the same sample end in every time. */
const permanentCodes: ReadonlySet<string> = new Set([
  'sample_differs',
  'model_unloadable',
  'environment_unresolvable',
  'python_not_found',
  'isolation_too_weak',
] satisfies ErrorCode[]);

/** Whether trying again cannot help: the file or the wish is at fault, not the moment. */
function isPermanent(problem: Problem): boolean {
  if (permanentCodes.has(problem.code)) return true;
  const kind = Object.hasOwn(catalogue, problem.code) ? catalogue[problem.code as ErrorCode].kind : 'internal';
  return kind === 'invalid' || kind === 'unimplemented' || kind === 'too_large';
}
