import { type Action, MusterError, type Page, type PageQuery, type Score, type TableFormat } from '@muster-ml/protocol';
import { type Caller, ledgerActor } from '../identity/index.ts';
import type { RawAnswer } from '../platform/http/index.ts';
import type { ScoringParts } from './parts.ts';
import { type ScoreRecord, renderScore, scoreNotFound } from './score.ts';
import type { WorkProgress } from './work/task.ts';

export type ReadParts = Pick<
  ScoringParts,
  'store' | 'identity' | 'deployments' | 'clock' | 'objects' | 'database' | 'ledger'
> & {
  /** What the thread of a score told last, if it runs here. */
  readonly progressOf: (id: string) => WorkProgress | undefined;
};

/** One score. Throws `score_not_found`. */
export async function getScore(parts: ReadParts, caller: Caller, id: string): Promise<Score> {
  return render(parts, await findScore(parts, caller, 'score.read', id));
}

/** Scores of an endpoint, newest first; the cursor is the last one's id. Throws `endpoint_not_found`. */
export async function listScores(
  parts: ReadParts,
  caller: Caller,
  endpointName: string,
  query: PageQuery,
): Promise<Page<Score>> {
  const endpoint = await parts.deployments.servedEndpoint(caller, 'score.read', endpointName);
  const scores = await parts.store.page(endpoint.id, query.after, query.limit + 1);
  const shown = scores.slice(0, query.limit);
  const items = shown.map((score) => render(parts, score));
  const next = scores.length > query.limit ? shown.at(-1)?.id : undefined;
  return next === undefined ? { items } : { items, next };
}

/** The table of answers. Throws `score_not_found`, `score_not_finished`. */
export async function readResult(parts: ReadParts, caller: Caller, id: string): Promise<RawAnswer> {
  const score = await findScore(parts, caller, 'score.read', id);
  const { result, wish } = score;
  if (result === null) throw notFinished(score);
  await noteRead(parts, caller, score, 'result', result.digest);
  return {
    stream: await parts.objects.read(result.digest),
    sizeBytes: result.sizeBytes,
    etag: result.digest,
    fileName: `${score.endpoint}-${score.id}.${extensions[wish.resultFormat ?? wish.format]}`,
  };
}

/** The rows without an answer, as JSONL; empty where every row has one. Throws as `readResult` does. */
export async function readErrors(parts: ReadParts, caller: Caller, id: string): Promise<RawAnswer> {
  const score = await findScore(parts, caller, 'score.read', id);
  const { errors } = score;
  if (errors === null) throw notFinished(score);
  await noteRead(parts, caller, score, 'errors', errors.digest);
  return {
    stream: await parts.objects.read(errors.digest),
    sizeBytes: errors.sizeBytes,
    etag: errors.digest,
    fileName: `${score.endpoint}-${score.id}-errors.jsonl`,
  };
}

/** Rows may be about people, so that somebody reads them is an entry. */
async function noteRead(
  { database, ledger }: Pick<ScoringParts, 'database' | 'ledger'>,
  caller: Caller,
  score: ScoreRecord,
  table: 'result' | 'errors',
  digest: string,
): Promise<void> {
  await database.inTransaction(async (tx) => {
    await ledger.append(tx, {
      actor: ledgerActor(caller),
      action: 'score.read',
      subject: { kind: 'endpoint', id: score.endpoint },
      team: score.team,
      outcome: 'allowed',
      request: caller.requestId,
      ctx: { endpoint: score.endpointId, score: score.id, table, digest },
    });
  });
}

/** Removes a score that has ended; its tables go with the next sweep. Throws `score_not_found`, `score_running`. */
export async function deleteScore(
  parts: Pick<ScoringParts, 'store' | 'identity' | 'database' | 'ledger'>,
  caller: Caller,
  id: string,
): Promise<void> {
  const score = await findScore(parts, caller, 'score.delete', id);
  if (score.state === 'running') throw new MusterError('score_running', `the score ${id} is running`);
  await parts.database.inTransaction(async (tx) => {
    if (!(await parts.store.remove(tx, id))) throw scoreNotFound(id);
    await parts.ledger.append(tx, {
      actor: ledgerActor(caller),
      action: 'score.delete',
      subject: { kind: 'endpoint', id: score.endpoint },
      team: score.team,
      outcome: 'allowed',
      request: caller.requestId,
      ctx: { endpoint: score.endpointId, score: id },
    });
  });
}

const extensions: Readonly<Record<TableFormat, string>> = { parquet: 'parquet', csv: 'csv', jsonl: 'jsonl' };

/** The score, if the caller may see it and do this with it. What may not be seen does not exist. */
async function findScore(
  { store, identity }: Pick<ScoringParts, 'store' | 'identity'>,
  caller: Caller,
  action: Action,
  id: string,
): Promise<ScoreRecord> {
  const missing = (): MusterError => scoreNotFound(id);
  // All that has to be known to decide, so that one that is hidden takes no longer than one that is not there.
  const belonging = await store.belonging(id);
  if (belonging === undefined) throw missing();
  identity.authorize(caller, action, { kind: 'score', id, ...belonging, missing });
  const score = await store.find(id);
  if (score === undefined) throw missing();
  return score;
}

function render({ progressOf, clock }: ReadParts, score: ScoreRecord): Score {
  return renderScore(score, score.state === 'running' ? progressOf(score.id) : undefined, clock.now());
}

function notFinished({ id, state, operation }: ScoreRecord): MusterError {
  const how = state === 'running' ? 'is running' : state === 'failed' ? 'failed' : `is ${state}`;
  return new MusterError('score_not_finished', `the score ${id} ${how}: see operation ${operation}`);
}
