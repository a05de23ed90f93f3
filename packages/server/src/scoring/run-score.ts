import { createReadStream } from 'node:fs';
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { MusterError, type Problem, toMusterError, toProblem } from '@muster-ml/protocol';
import type { OperationHandle } from '../platform/operations/index.ts';
import type { SecretValues } from '../secrets/index.ts';
import type { ScoringParts } from './parts.ts';
import { type ScoreRecord, type StoredTable, keptMs, progressText, renderScore, scoreNotFound } from './score.ts';
import { type ScoreRunner, type ScoreRunners, runnerOf } from './score-runners.ts';
import { type WorkDone, scoreInThread } from './score-thread.ts';
import type { ScoreEnd } from './store.ts';
import type { Turns } from './turns.ts';
import type { ScoreTask, WorkProgress } from './work/task.ts';

export interface RunParts extends ScoringParts {
  readonly runners: ScoreRunners;
  readonly turns: Turns;
  /** Notes what the thread of a score says; undefined once it has ended. */
  readonly note: (id: string, progress: WorkProgress | undefined) => void;
  /** Whether control is going down: then an aborted score is no cancelled one, and the next start goes on with it. */
  readonly isDraining: () => boolean;
}

type Result = Readonly<Record<string, unknown>>;

/** Carries out a score from where it stands, and ends it with its operation. Answers the operation's result. */
export async function runScore(parts: RunParts, handle: OperationHandle, score: ScoreRecord): Promise<Result> {
  const folder = join(parts.folder, score.id);
  try {
    const giveBack = await parts.turns.take(handle.signal);
    try {
      const done = await work(parts, handle, score, folder);
      const result = await store(parts, filesIn(folder).result);
      const errors = await store(parts, filesIn(folder).errors);
      return await end(parts, score, {
        ...endOf(parts, 'succeeded', done),
        result,
        errors,
      });
    } finally {
      giveBack();
    }
  } catch (thrown) {
    if (parts.isDraining()) throw thrown;
    await fail(parts, handle, score, thrown);
    throw thrown;
  } finally {
    parts.note(score.id, undefined);
    if (!parts.isDraining()) await rm(folder, { recursive: true, force: true }).catch(parts.onError);
  }
}

/** Answers the rows; what is committed on the way outlives this process. */
async function work(parts: RunParts, handle: OperationHandle, score: ScoreRecord, folder: string): Promise<WorkDone> {
  const { served, settings } = score;
  handle.progress('reading the table');
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const task = await taskOf(parts, score, folder);
  const [file, sampleFile] = await Promise.all([
    parts.objects.localFile(served.digest),
    served.sampleDigest === null ? undefined : parts.objects.localFile(served.sampleDigest),
  ]);
  const failure = new AbortController();
  const signal = AbortSignal.any([handle.signal, failure.signal]);
  let runner: ScoreRunner | undefined;
  let total: number | null = null;
  try {
    return await scoreInThread(
      { ...task, maxRows: settings.batching.maxRows },
      async (message) => {
        switch (message.kind) {
          case 'checked':
            handle.progress('starting a runner');
            runner = parts.runners.take(score, { file, sampleFile }, await secretsOf(parts, score));
            runner.failed.catch((error: unknown) => failure.abort(error));
            break;
          case 'progress':
            total = message.progress.isEstimate ? null : message.progress.rowsTotal;
            parts.note(score.id, message.progress);
            if (message.progress.rowsDone > 0) handle.progress(progressText(message.progress));
            break;
          case 'part':
            await parts.database.inTransaction(
              async (tx) => await parts.store.addPart(tx, score.id, message.part, total),
            );
            break;
        }
      },
      signal,
    );
  } finally {
    runner?.release();
  }
}

/** The newest values, as a replica that starts now would get them. */
async function secretsOf({ secrets }: RunParts, { id, endpoint, settings }: ScoreRecord): Promise<SecretValues> {
  if (settings.secrets === undefined) return {};
  return await secrets.values({ kind: 'score', id, endpoint }, settings.secrets);
}

async function taskOf(parts: RunParts, score: ScoreRecord, folder: string): Promise<ScoreTask> {
  const { wish, served } = score;
  const files = filesIn(folder);
  const { runner, replica } = runnerOf(score);
  return {
    input: { path: await parts.objects.localFile(wish.digest), format: wish.format, csv: wish.csv },
    signature: served.signature,
    outputs: wish.outputs,
    keep: wish.keep,
    result: { path: files.result, format: wish.resultFormat ?? wish.format },
    errorsPath: files.errors,
    address: parts.runtimeHost.addressOf(runner),
    replica,
    software: parts.softwareVersion,
    parts: await parts.store.parts(score.id),
    facts: {
      'muster.score': score.id,
      'muster.endpoint': score.endpoint,
      'muster.model': served.model,
      'muster.version': String(served.number),
      'muster.version_digest': served.digest,
      'muster.input_digest': wish.digest,
    },
  };
}

function filesIn(folder: string): { readonly result: string; readonly errors: string } {
  return { result: join(folder, 'result'), errors: join(folder, 'errors.jsonl') };
}

/** Keeps a file that this room wrote as content. */
async function store(parts: RunParts, path: string): Promise<StoredTable> {
  const stream = createReadStream(path, { highWaterMark: 256 * 1024 });
  return await parts.objects.put(stream, { maxBytes: Number.MAX_SAFE_INTEGER });
}

function endOf(
  { clock }: RunParts,
  state: ScoreEnd['state'],
  { rows, badRows }: Pick<WorkDone, 'rows' | 'badRows'>,
  problem: Problem | null = null,
): ScoreEnd {
  const now = clock.now();
  return {
    state,
    rowsDone: rows,
    badRows,
    result: null,
    errors: null,
    problem,
    finishedAt: now,
    expiresAt: now + keptMs,
  };
}

async function fail(parts: RunParts, handle: OperationHandle, score: ScoreRecord, thrown: unknown): Promise<void> {
  const isCancelled = handle.signal.aborted;
  const error = isCancelled
    ? new MusterError('operation_cancelled', `the score ${score.id} was cancelled`)
    : toMusterError(thrown);
  if (error.code === 'internal_error') parts.onError(thrown);
  const known = await parts.store.find(score.id);
  const counts = { rows: known?.rowsDone ?? 0, badRows: known?.badRows ?? 0 };
  await end(parts, score, endOf(parts, isCancelled ? 'cancelled' : 'failed', counts, toProblem(error)));
}

/** The score, its operation and the audit entry end in one transaction: a restart never ends it twice. */
async function end(parts: RunParts, score: ScoreRecord, ended: ScoreEnd): Promise<Result> {
  const { database, objects, operations, ledger, clock } = parts;
  const result = await database.inTransaction(async (tx) => {
    for (const table of [ended.result, ended.errors]) if (table !== null) await objects.hold(tx, table.digest);
    const answer = { score: renderScore({ ...score, ...ended }, undefined, clock.now()) };
    if (!(await parts.store.end(tx, score.id, ended))) throw scoreNotFound(score.id);
    await operations.finish(
      tx,
      score.operation,
      ended.state === 'succeeded' || ended.problem === null
        ? { state: 'succeeded', result: answer }
        : { state: ended.state === 'cancelled' ? 'cancelled' : 'failed', problem: ended.problem },
    );
    await ledger.append(tx, {
      actor: score.author,
      action: 'system.score-end',
      subject: { kind: 'endpoint', id: score.endpoint },
      team: score.team,
      outcome: ended.state === 'failed' ? 'failed' : 'allowed',
      request: score.request,
      ctx: {
        endpoint: score.endpointId,
        score: score.id,
        state: ended.state,
        rows: ended.rowsDone,
        badRows: ended.badRows,
        input: score.wish.digest,
        ...(ended.result === null ? {} : { result: ended.result.digest }),
        ...(ended.errors === null ? {} : { errors: ended.errors.digest }),
        ...(ended.problem === null ? {} : { code: ended.problem.code }),
      },
    });
    return answer;
  });
  operations.announce(score.operation);
  return result;
}
