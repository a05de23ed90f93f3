import { type JudgedChecks, dayMs, judge } from '@muster-ml/protocol';
import type { Kysely } from 'kysely';
import type { StandingRecord, StandingTables } from '../standing/index.ts';
import { judgeStanding } from './judge-standing.ts';
import { type Loaded, loadFacts } from './load-facts.ts';
import { nextStanding } from './next-standing.ts';
import type { ReadinessParts } from './parts.ts';
import type { FactTables } from './read-tables.ts';
import { type SubmissionRow, submissionStore } from './submission-store.ts';
import { evidenceDigestOf } from './subject.ts';
import { makeVoid } from './submit.ts';

export interface WatchParts extends Omit<ReadinessParts, 'poke'> {
  /** How often everything that stands, stood or waits is judged. */
  readonly everyMs: number;
  readonly isHeld: (endpointId: string) => boolean;
  readonly onError: (error: unknown) => void;
}

/** Judges standings as time goes by. */
export interface StandingWatch {
  start(): void;
  /** Judges soon, not only at the next turn. */
  poke(): void;
  /** Judges once, now; for tests and measurements. */
  look(): Promise<void>;
  stop(): Promise<void>;
}

/** How long before it ends people hear of it. */
const tellBeforeMs = 14 * dayMs;

/** How long after a change it is judged; what happens at once is judged at once. */
const soonMs = 100;

export function createStandingWatch(parts: WatchParts): StandingWatch {
  const { database, identity, clock, standings, environment, everyMs } = parts;
  /**
   * Endpoints and submissions that did not hold at the last look, by id, and since when. A replica that starts again is no
   * lapse: only what is seen twice is one.
   */
  const doubted = new Map<string, number>();
  let timer: ReturnType<typeof setTimeout> | undefined;
  let looking: Promise<void> = Promise.resolve();
  let isLooking = false;
  let isPoked = false;
  let isStopped = false;

  async function look(): Promise<void> {
    const endpoints = await watched(parts);
    const ids = endpoints.filter((id) => !parts.isHeld(id));
    const now = clock.now();
    const loaded = await loadFacts(database.reader, ids, { environment, now });
    const records = await standings.of(ids);
    const waiting = await submissionStore.waitingOf(database.reader, ids);
    const known = new Set([...ids, ...waiting.map(({ id }) => id)]);
    for (const id of doubted.keys()) if (!known.has(id)) doubted.delete(id);
    for (const [id, one] of loaded) await alone(id, async () => await lookAt(one, records.get(id), now));
    for (const submission of waiting) await alone(submission.endpoint, async () => await lookAtSubmission(submission));
  }

  /** What goes wrong with one endpoint keeps nobody from looking at the others. A drill may have begun in the meantime. */
  async function alone(endpointId: string, work: () => Promise<void>): Promise<void> {
    if (isStopped || parts.isHeld(endpointId)) return;
    try {
      await work();
    } catch (error) {
      parts.onError(error);
    }
  }

  /** Whether what did not hold was seen before, long enough ago. */
  function isSeenTwice(id: string, now: number): boolean {
    const since = doubted.get(id);
    if (since === undefined) doubted.set(id, now);
    return since !== undefined && now - since >= everyMs / 2;
  }

  async function lookAt(loaded: Loaded, record: StandingRecord | undefined, now: number): Promise<void> {
    const { endpoint, facts, approved } = loaded;
    const judged = judge(facts);
    const next = nextStanding(record, { judged, approved });
    if (next?.what === 'lapsed' && !isSeenTwice(endpoint.id, now)) return;
    doubted.delete(endpoint.id);
    if (next !== undefined) {
      await database.inTransaction(async (tx) => {
        await identity.accessChanged(tx);
        await judgeStanding(parts, tx, endpoint);
      });
    } else if (record?.state === 'in production' && judged.until !== null && judged.until - now <= tellBeforeMs)
      await tellOfEnd(endpoint, judged.until, judged);
  }

  /** Once for each end: a waiver or evidence that is renewed moves it. */
  async function tellOfEnd(endpoint: Loaded['endpoint'], until: number, judged: JudgedChecks): Promise<void> {
    const first = judged.checks.filter(
      ({ required, outcome, waiver }) => required && (waiver?.until ?? outcome.until) === until,
    );
    const what = first.length === 0 ? 'A waiver' : first.map(({ check }) => `${check.id} ${check.title}`).join(', ');
    await database.inTransaction(async (tx) => {
      const told = await tx
        .withTables<StandingTables>()
        .updateTable('standing')
        .set({ ends_told: until })
        .where('endpoint', '=', endpoint.id)
        .where((where) => where.or([where('ends_told', 'is', null), where('ends_told', '<>', until)]))
        .executeTakeFirst();
      if (Number(told.numUpdatedRows) === 0) return;
      await parts.notify(tx, {
        event: 'standing.ends-soon',
        team: endpoint.team,
        endpoint: endpoint.name,
        title: `${endpoint.name} is in production until ${new Date(until).toISOString()}`,
        text: `${what} ends then.\nWhat renews it: muster check ${endpoint.name}`,
      });
    });
  }

  /** Nobody can approve what is not there any more. */
  async function lookAtSubmission(submission: SubmissionRow): Promise<void> {
    const now = clock.now();
    const change = await changeOf(database.reader, submission, now);
    if (change?.isEvidence === true && !isSeenTwice(submission.id, now)) return;
    doubted.delete(submission.id);
    if (change === undefined) return;
    await database.inTransaction(async (tx) => {
      await identity.accessChanged(tx);
      const still = await changeOf(tx, submission, now);
      if (still !== undefined) await makeVoid(parts, tx, submission, still.why, now);
    });
  }

  /** How what is there differs from what was submitted; undefined where it does not. */
  async function changeOf(
    db: Kysely<unknown>,
    { endpoint, kind, version, subject_digest: subject, evidence_digest: evidence }: SubmissionRow,
    now: number,
  ): Promise<{ readonly why: string; readonly isEvidence: boolean } | undefined> {
    const options = { environment, now, version: kind === 'observed' ? undefined : version };
    const loaded = (await loadFacts(db, [endpoint], options)).get(endpoint);
    if (loaded?.subject?.subjectDigest !== subject)
      return { why: 'what is there, how it is served, or what for, changed', isEvidence: false };
    if (evidenceDigestOf(judge(loaded.facts)) === evidence) return undefined;
    return { why: 'the evidence changed', isEvidence: true };
  }

  /** One look after the other; what goes wrong is said and tried again. */
  async function turn(): Promise<void> {
    isLooking = true;
    isPoked = false;
    looking = looking.then(look).catch(parts.onError);
    await looking;
    isLooking = false;
    if (!isStopped) schedule(isPoked ? soonMs : everyMs);
  }

  function schedule(ms: number): void {
    timer = setTimeout(() => void turn(), ms);
    timer.unref();
  }

  return {
    start: () => schedule(everyMs),
    poke() {
      // One is enough: whoever pokes again and again must not put the look off.
      if (isStopped || isPoked || (timer === undefined && !isLooking)) return;
      isPoked = true;
      // What comes in the middle of a look may have come too late for it.
      if (isLooking) return;
      clearTimeout(timer);
      schedule(soonMs);
    },
    look,
    async stop() {
      isStopped = true;
      clearTimeout(timer);
      await looking;
    },
  };
}

/** Ids of the endpoints that stand, stood or wait. */
async function watched({ database }: Pick<WatchParts, 'database'>): Promise<readonly string[]> {
  const rows = await database.reader
    .withTables<FactTables>()
    .selectFrom('standing')
    .innerJoin('endpoint', 'endpoint.id', 'standing.endpoint')
    .select('standing.endpoint')
    .where('endpoint.deleted_at', 'is', null)
    .execute();
  return rows.map(({ endpoint }) => endpoint);
}
