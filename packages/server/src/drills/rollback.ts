import { MusterError, deploySchema } from '@muster-ml/protocol';
import { type Finding, figuresOf, recoveryLimitMs, whyText } from './drill.ts';
import { endOf } from './end-of-operation.ts';
import type { LoadFound } from './load/load-task.ts';
import type { Load } from './load/load-thread.ts';
import { putBack } from './put-back.ts';
import { type Drilling, hasMoreAnswers, underLoad } from './under-load.ts';

/** There and back. */
interface Travelled {
  /** `previous`: to what was live before. `same`: to itself, where nothing else is there to go back to. */
  readonly way: 'previous' | 'same';
  readonly toVersion: number;
  readonly rollbackMs: number;
  readonly returnMs: number;
}

const putBackLimitMs = 120_000;

/**
 * R22: rolls back and returns, while callers must not notice. Whatever happens on the way, what was live is live in the end;
 * after a crash of control the next start sees to it.
 */
export async function rollback(drilling: Drilling): Promise<Finding> {
  const { parts, caller, task } = drilling;
  try {
    const { found, acted } = await underLoad(drilling, async (load) => await travel(drilling, load));
    return findingOf(drilling, found, acted);
  } finally {
    if (!parts.isDraining()) await putBack(parts, caller, task, AbortSignal.timeout(putBackLimitMs));
  }
}

function findingOf({ task }: Drilling, found: LoadFound, acted: Travelled | string): Finding {
  const { model, version } = task.before;
  if (typeof acted === 'string')
    return { passed: false, summary: acted, figures: { ...figuresOf(found), fromVersion: version } };
  const { way, toVersion, rollbackMs, returnMs } = acted;
  const misses = [
    ...(found.failed > 0 ? [`${found.failed} of ${found.requests} requests failed${whyText(found)}`] : []),
    ...(rollbackMs >= recoveryLimitMs ? [`going back took ${rollbackMs} ms`] : []),
  ];
  return {
    passed: misses.length === 0,
    summary:
      misses.length === 0
        ? `no request failed; back from ${model}:${version} to version ${toVersion} in ${rollbackMs} ms, and returned`
        : misses.join('; '),
    figures: { ...figuresOf(found), rollbackMs, returnMs, fromVersion: version, toVersion, way },
  };
}

/** Answers why it cannot be done, as a finding; throws where the drill itself was disturbed. */
async function travel(drilling: Drilling, load: Load): Promise<Travelled | string> {
  try {
    return (await toPrevious(drilling, load)) ?? (await toItself(drilling, load));
  } catch (error) {
    drilling.signal.throwIfAborted();
    if (!(error instanceof MusterError) || error.code === 'superseded' || error.code === 'internal_error') throw error;
    return `it could not be rolled back: ${error.message}`;
  }
}

/** Why there is no way to what was live before, so that another is taken. */
const noWay: ReadonlySet<string> = new Set(['nothing_to_roll_back', 'version_quarantined', 'secret_not_found']);

/** Brings back what was live before, and then what was live. Undefined where there is nothing to bring back. */
async function toPrevious(drilling: Drilling, load: Load): Promise<Travelled | string | undefined> {
  const { parts, caller, task, signal } = drilling;
  const { name } = task.endpoint;
  const { previous } = await parts.deployments.getEndpoint(caller, name, 'drill.run');
  if (previous === null) return undefined;
  drilling.progress(`rolling back to ${previous.model}:${previous.version}`);
  const startedAt = performance.now();
  const operation = await parts.deployments.rollback(caller, name, {}).catch((error: unknown) => {
    if (error instanceof MusterError && noWay.has(error.code)) return undefined;
    throw error;
  });
  if (operation === undefined) return undefined;
  await endOf(parts.operations, operation, signal);
  const rollbackMs = since(startedAt);
  if (!(await hasMoreAnswers(drilling, load, previous.version))) return notAnswered(previous.version);
  drilling.progress(`returning to ${task.before.model}:${task.before.version}`);
  const returningAt = performance.now();
  await putBack(parts, caller, task, signal);
  const returnMs = since(returningAt);
  if (!(await hasMoreAnswers(drilling, load, task.before.version))) return notAnswered(task.before.version);
  return { way: 'previous', toVersion: previous.version, rollbackMs, returnMs };
}

/** Deploys what is live once more, so that it is what a rollback brings back. */
async function toItself(drilling: Drilling, load: Load): Promise<Travelled | string> {
  const { parts, caller, task, signal } = drilling;
  const { name } = task.endpoint;
  const { model, version, settings } = task.before;
  drilling.progress(`deploying ${model}:${version} once more, to have something to go back to`);
  const deployingAt = performance.now();
  const wish = deploySchema.parse({ model, version, settings });
  await endOf(parts.operations, await parts.deployments.deploy(caller, name, wish), signal);
  const returnMs = since(deployingAt);
  if (!(await hasMoreAnswers(drilling, load, version))) return notAnswered(version);
  drilling.progress('rolling back to what was live');
  const startedAt = performance.now();
  await endOf(parts.operations, await parts.deployments.rollback(caller, name, {}), signal);
  const rollbackMs = since(startedAt);
  if (!(await hasMoreAnswers(drilling, load, version))) return notAnswered(version);
  return { way: 'same', toVersion: version, rollbackMs, returnMs };
}

function notAnswered(version: number): string {
  return `version ${version} was live and did not answer`;
}

function since(startedAt: number): number {
  return Math.round(performance.now() - startedAt);
}
