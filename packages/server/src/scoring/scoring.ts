import { mkdir, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Operation, Page, PageQuery, Score, StartScore } from '@muster-ml/protocol';
import type { Caller } from '../identity/index.ts';
import type { RawAnswer } from '../platform/http/index.ts';
import type { ObjectStore } from '../platform/objects/index.ts';
import type { ScoringParts } from './parts.ts';
import { type ReadParts, deleteScore, getScore, listScores, readErrors, readResult } from './read-scores.ts';
import { type RunParts, runScore } from './run-score.ts';
import type { ScoreRecord } from './score.ts';
import { createScoreRunners } from './score-runners.ts';
import { startScore } from './start-score.ts';
import { createScoreStore } from './store.ts';
import { createTurns } from './turns.ts';
import type { WorkProgress } from './work/task.ts';

/** Two batches side by side use what one leaves while it waits; more would only be slower each. */
const defaultAtOnce = 2;

/** Tables that are answered row by row in the background. What each use case throws is said where it is written. */
export interface Scoring {
  startScore(caller: Caller, endpoint: string, wish: StartScore): Promise<Operation>;
  getScore(caller: Caller, id: string): Promise<Score>;
  listScores(caller: Caller, endpoint: string, query: PageQuery): Promise<Page<Score>>;
  readResult(caller: Caller, id: string): Promise<RawAnswer>;
  readErrors(caller: Caller, id: string): Promise<RawAnswer>;
  deleteScore(caller: Caller, id: string): Promise<void>;
  /** Goes on with what the last process left running, and clears away what it left besides; called once at the start. */
  start(): Promise<void>;
  /** Removes scores whose time is over. */
  sweep(): Promise<void>;
  /** From now on what stops is taken up by the next start; call it before the operations are drained. */
  drain(): void;
}

export function createScoring(
  given: Omit<ScoringParts, 'store' | 'objects'> & { readonly objects: ObjectStore },
): Scoring {
  const { database, operations, runtimeHost, onError } = given;
  const parts: ScoringParts = { ...given, store: createScoreStore(database) };
  const runners = createScoreRunners(runtimeHost, onError);
  const progress = new Map<string, WorkProgress>();
  let isDraining = false;
  const running: RunParts = {
    ...parts,
    runners,
    turns: createTurns(given.atOnce ?? defaultAtOnce),
    note: (id, now) => void (now === undefined ? progress.delete(id) : progress.set(id, now)),
    isDraining: () => isDraining,
  };
  const reading: ReadParts = { ...parts, progressOf: (id) => progress.get(id) };
  given.objects.registerReferences(async (tx, digests) => await parts.store.referenced(tx, digests));

  const run = (score: ScoreRecord): void =>
    operations.run(score.operation, async (handle) => await runScore(running, handle, score));

  return {
    async startScore(caller, endpoint, wish) {
      const { operation, score } = await startScore(parts, caller, endpoint, wish);
      run(score);
      return operation;
    },
    getScore: async (caller, id) => await getScore(reading, caller, id),
    listScores: async (caller, endpoint, query) => await listScores(reading, caller, endpoint, query),
    readResult: async (caller, id) => await readResult(reading, caller, id),
    readErrors: async (caller, id) => await readErrors(reading, caller, id),
    deleteScore: async (caller, id) => await deleteScore(parts, caller, id),
    async start() {
      const scores = await parts.store.running();
      await clearFolder(parts.folder, new Set(scores.map(({ id }) => id)));
      runners.begin();
      for (const score of scores) run(score);
    },
    async sweep() {
      const removed = async (): Promise<number> =>
        await database.inTransaction(async (tx) => (await parts.store.removeExpired(tx, given.clock.now())).length);
      while ((await removed()) > 0);
    },
    drain() {
      isDraining = true;
    },
  };
}

/** Keeps the folders of these scores only. */
async function clearFolder(folder: string, ids: ReadonlySet<string>): Promise<void> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  for (const name of await readdir(folder))
    if (!ids.has(name)) await rm(join(folder, name), { recursive: true, force: true });
}
