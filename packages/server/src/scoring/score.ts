import { MusterError, type Problem, type Score, type ServingSettings, type StartScore } from '@muster-ml/protocol';
import type { LedgerActor } from '../ledger/index.ts';
import type { ServedVersion } from '../registry/index.ts';
import type { WorkProgress } from './work/task.ts';

/**
 * A table that is answered row by row by one version, in the background. What answers was chosen when it was asked for and
 * never changes: the deployment may be replaced meanwhile, the score goes on with its copy of what was deployed.
 *
 * It is `running` until its operation ends; then it has a result and is kept for a while, or it failed or was cancelled and
 * has none.
 */
export interface ScoreRecord {
  readonly id: string;
  /** Id of the endpoint, and its name when it was asked for. */
  readonly endpointId: string;
  readonly endpoint: string;
  readonly team: string;
  readonly operation: string;
  readonly state: Score['state'];
  readonly served: ServedVersion;
  readonly settings: ServingSettings;
  readonly wish: StartScore;
  readonly inputBytes: number;
  readonly rowsDone: number;
  readonly rowsTotal: number | null;
  readonly badRows: number;
  readonly result: StoredTable | null;
  readonly errors: StoredTable | null;
  readonly problem: Problem | null;
  /** Milliseconds since the epoch. */
  readonly createdAt: number;
  readonly author: LedgerActor;
  /** Request id. */
  readonly request: string;
  readonly finishedAt: number | null;
  readonly expiresAt: number | null;
}

export interface StoredTable {
  readonly digest: string;
  readonly sizeBytes: number;
}

/** How long a result is kept. */
export const keptMs = 30 * 24 * 60 * 60 * 1000;

/** A score as the API shows it; `live` is what its thread told last, if it runs. */
export function renderScore(score: ScoreRecord, live: WorkProgress | undefined, now: number): Score {
  const { id, endpoint, team, state, operation, served, wish, rowsDone, rowsTotal, badRows, result, errors } = score;
  const progress = live ?? {
    rowsDone,
    badRows,
    rowsTotal,
    isEstimate: state === 'running',
    rowsPerSecond: null,
    secondsLeft: null,
  };
  return {
    id,
    endpoint,
    team,
    state,
    operation,
    role: wish.role,
    model: served.model,
    version: served.number,
    versionDigest: served.digest,
    input: { digest: wish.digest, sizeBytes: score.inputBytes, format: wish.format },
    resultFormat: wish.resultFormat ?? wish.format,
    outputs: wish.outputs ?? null,
    keep: wish.keep,
    progress: {
      rowsDone: progress.rowsDone,
      rowsTotal: progress.rowsTotal,
      isEstimate: progress.isEstimate,
      badRows: progress.badRows,
      rowsPerSecond: progress.rowsPerSecond,
      endsAt: progress.secondsLeft === null ? null : timeText(now + progress.secondsLeft * 1000),
    },
    result: result === null ? null : { ...result, rows: rowsDone - badRows },
    errors: errors === null ? null : { ...errors, rows: badRows },
    problem: score.problem,
    createdAt: timeText(score.createdAt),
    createdBy: score.author.id,
    finishedAt: score.finishedAt === null ? null : timeText(score.finishedAt),
    expiresAt: score.expiresAt === null ? null : timeText(score.expiresAt),
  };
}

/** What the operation says that it does now. */
export function progressText({
  rowsDone,
  rowsTotal,
  isEstimate,
  badRows,
  rowsPerSecond,
  secondsLeft,
}: WorkProgress): string {
  const of = rowsTotal === null ? '' : ` of ${isEstimate ? 'about ' : ''}${countText(rowsTotal)}`;
  const parts = [`scoring: ${countText(rowsDone)}${of} rows`];
  if (rowsPerSecond !== null && rowsPerSecond > 0) parts.push(`${countText(Math.round(rowsPerSecond))} rows/s`);
  if (secondsLeft !== null && secondsLeft > 1) parts.push(`about ${spanText(secondsLeft)} left`);
  if (badRows > 0) parts.push(`${countText(badRows)} bad`);
  return parts.join(', ');
}

export function scoreNotFound(id: string): MusterError {
  return new MusterError('score_not_found', `there is no score ${id}`);
}

function countText(count: number): string {
  return count.toLocaleString('en-US');
}

function spanText(seconds: number): string {
  if (seconds < 90) return `${Math.round(seconds)} s`;
  return seconds < 5400 ? `${Math.round(seconds / 60)} min` : `${(seconds / 3600).toFixed(1)} h`;
}

function timeText(ms: number): string {
  return new Date(ms).toISOString();
}
