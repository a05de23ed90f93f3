import { MusterError, drillChecks, toMusterError } from '@muster-ml/protocol';
import type { Caller } from '../identity/index.ts';
import type { OperationHandle } from '../platform/operations/index.ts';
import { type DrillTask, type Finding, judgeLoad, stepsLimitMs } from './drill.ts';
import { failover } from './failover.ts';
import type { RunParts } from './parts.ts';
import { rollback } from './rollback.ts';
import { type Drilling, loadOnly } from './under-load.ts';

/** What the token for load may outlive its drill by, where control dies with it. */
const tokenMarginMs = 60_000;

/**
 * Does a drill that was started and records what it found as evidence; answers the operation's result, in which `passed` says
 * how it went. Throws what kept it from being done, after telling people.
 */
export async function runDrill(
  parts: RunParts,
  handle: OperationHandle,
  caller: Caller,
  task: DrillTask,
): Promise<Readonly<Record<string, unknown>>> {
  const limitMs = task.settings.seconds * 1000 + stepsLimitMs;
  const limit = AbortSignal.timeout(limitMs);
  try {
    const finding = await withToken(parts, caller, task, handle.id, limitMs, async (token) => {
      const signal = AbortSignal.any([handle.signal, limit]);
      return await find({ parts, task, caller, token, signal, progress: (text) => handle.progress(text) });
    });
    return await record(parts, caller, task, finding);
  } catch (thrown) {
    if (handle.signal.aborted) throw thrown;
    const error = limit.aborted
      ? new MusterError('deadline_passed', `the drill was not done after ${limitMs / 1000} s`)
      : toMusterError(thrown);
    await tellFailed(parts, task, error).catch(parts.onError);
    throw error;
  } finally {
    parts.hold.release(task.endpoint.id);
  }
}

async function find(drilling: Drilling): Promise<Finding> {
  const { kind, objective, endpoint } = drilling.task;
  if (kind === 'failover') return await failover(drilling);
  if (kind === 'rollback') return await rollback(drilling);
  if (objective === null) throw new MusterError('drill_impossible', `${endpoint.name} has no objective`);
  return judgeLoad(objective, await loadOnly(drilling));
}

async function withToken<T>(
  { tokens, onError }: RunParts,
  caller: Caller,
  { endpoint }: DrillTask,
  operation: string,
  limitMs: number,
  work: (token: string) => Promise<T>,
): Promise<T> {
  const lifeMs = limitMs + tokenMarginMs;
  const { id, token } = await tokens.make(caller, { endpoint, note: `drill ${operation}`, lifeMs });
  try {
    return await work(token);
  } finally {
    await tokens.end(caller, id, endpoint.team).catch(onError);
  }
}

async function record(
  parts: RunParts,
  caller: Caller,
  task: DrillTask,
  finding: Finding,
): Promise<Readonly<Record<string, unknown>>> {
  const { endpoint, kind, before } = task;
  const { passed, summary, figures } = finding;
  const evidence = await parts.database.inTransaction(async (tx) => {
    const { model, version } = before;
    const check = drillChecks[kind];
    if (!passed)
      await parts.notify(tx, {
        event: 'drill.failed',
        team: endpoint.team,
        endpoint: endpoint.name,
        title: `The ${kind} drill of ${endpoint.name} failed`,
        text: `${model}:${version}: ${summary}. See what it needs: muster check ${endpoint.name}`,
      });
    return await parts.recordEvidence(tx, caller, {
      endpoint,
      check,
      source: 'drill',
      model,
      version,
      passed,
      summary,
      figures,
    });
  });
  return {
    kind,
    endpoint: endpoint.name,
    model: before.model,
    version: before.version,
    passed,
    summary,
    figures,
    evidence,
  };
}

/** Tells people that a drill could not be done. */
export async function tellFailed(
  { database, notify }: Pick<RunParts, 'database' | 'notify'>,
  { endpoint, kind }: Pick<DrillTask, 'endpoint' | 'kind'>,
  error: MusterError,
): Promise<void> {
  await database.inTransaction(
    async (tx) =>
      await notify(tx, {
        event: 'drill.failed',
        team: endpoint.team,
        endpoint: endpoint.name,
        title: `The ${kind} drill of ${endpoint.name} could not be done`,
        text: `${error.message}. ${error.remedy}`,
      }),
  );
}
