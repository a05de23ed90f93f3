import { type JudgedChecks, MusterError, approvalsNeeded, judge } from '@muster-ml/protocol';
import { type Caller, ledgerActor } from '../identity/index.ts';
import type { Tx } from '../platform/database/index.ts';
import { type AboutEndpoint, authorizedEndpoint, findEndpoint, resourceOf } from './evidence-parts.ts';
import { type Loaded, loadFacts } from './load-facts.ts';
import type { ReadinessParts } from './parts.ts';
import { type SubmissionRow, submissionStore as store } from './submission-store.ts';
import { evidenceDigestOf } from './subject.ts';
import { grantStanding } from './judge-standing.ts';

/** The check that a submission is itself the way to. */
export const reviewCheck = 'R19';

/**
 * Asks for production. What waited before becomes void; where the level asks for no review, it is approved at once. Throws
 * `not_ready` with the gaps, `nothing_to_submit`, `endpoint_not_found`.
 */
export async function submit(
  parts: ReadinessParts,
  caller: Caller,
  name: string,
  wish: { readonly version?: number | undefined; readonly note: string },
): Promise<string> {
  const { database, clock, newId, identity, standings } = parts;
  await authorizedEndpoint(parts, caller, 'readiness.submit', name);
  const id = await database.inTransaction(async (tx) => {
    await identity.accessChanged(tx);
    const endpoint = await findEndpoint(tx, name);
    identity.authorize(caller, 'readiness.submit', resourceOf(endpoint));
    const now = clock.now();
    const loaded = await loadOne(parts, tx, endpoint, wish.version);
    const { subject, facts } = loaded;
    if (subject === null || (wish.version !== undefined && facts.version?.number !== wish.version))
      throw new MusterError(
        'nothing_to_submit',
        wish.version === undefined
          ? `nothing is live under ${name}`
          : `version ${wish.version} is neither live nor canary nor shadow under ${name}`,
      );
    const judged = judge(facts, { without: [reviewCheck] });
    refuseGaps(name, judged);
    for (const waiting of await store.waitingOf(tx, [endpoint.id]))
      await makeVoid(parts, tx, waiting, 'something newer was submitted', now);

    const submission = newId();
    const tier = facts.useCase?.riskTier ?? null;
    const needed = approvalsNeeded(judged.level, tier);
    const evidenceDigest = evidenceDigestOf(judge(facts));
    const author = facts.version?.createdBy ?? null;
    await store.add(tx, {
      id: submission,
      endpoint: endpoint.id,
      model: subject.model,
      version: subject.version,
      level: judged.level,
      risk_tier: tier,
      state: needed === 0 ? 'approved' : 'waiting',
      why: null,
      note: wish.note,
      served_digest: subject.servedDigest,
      subject_digest: subject.subjectDigest,
      evidence_digest: evidenceDigest,
      approvals_needed: needed,
      authors: JSON.stringify(author === null ? [] : [author]),
      submitted_at: now,
      submitted_by: caller.actor.id,
      ended_at: needed === 0 ? now : null,
    });
    const record = (await standings.of([endpoint.id], tx)).get(endpoint.id);
    await standings.change(tx, {
      endpoint,
      what: 'submitted',
      // What stands goes on standing while something newer waits.
      ...(record === undefined || record.state === 'waiting'
        ? {
            becomes: {
              state: 'waiting' as const,
              since: record?.since ?? now,
              reasons: [],
              submission,
              model: subject.model,
              version: subject.version,
            },
          }
        : {}),
      reasons: [],
      model: subject.model,
      version: subject.version,
      approvalsLeft: needed,
      actor: ledgerActor(caller),
      action: 'readiness.submit',
      request: caller.requestId,
      at: now,
      ctx: { submission, subjectDigest: subject.subjectDigest, evidenceDigest, needed },
    });
    if (needed === 0)
      await grantStanding(parts, tx, endpoint, { actor: ledgerActor(caller), request: caller.requestId });
    return submission;
  });
  parts.poke();
  return id;
}

/** The facts of one endpoint, in a transaction. */
export async function loadOne(
  { environment, clock }: Pick<ReadinessParts, 'environment' | 'clock'>,
  tx: Tx,
  endpoint: Pick<AboutEndpoint, 'id' | 'name'>,
  version: number | undefined,
): Promise<Loaded> {
  const loaded = (await loadFacts(tx, [endpoint.id], { environment, now: clock.now(), version })).get(endpoint.id);
  if (loaded === undefined) throw new MusterError('nothing_to_submit', `${endpoint.name} is not there any more`);
  return loaded;
}

/** Throws `not_ready` with every required check that does not hold, and the command that gets it. */
export function refuseGaps(name: string, judged: JudgedChecks): void {
  if (judged.holds) return;
  const gaps = judged.checks
    .filter(({ required, holds, check }) => required && !holds && check.id !== reviewCheck)
    .map(({ check, outcome }) => ({
      check: check.id,
      title: check.title,
      summary: outcome.summary,
      remedy: outcome.remedy ?? check.remedy,
    }));
  throw new MusterError(
    'not_ready',
    `${name} does not meet ${judged.level}: ${gaps.map(({ check, summary }) => `${check} ${summary}`).join('; ')}`,
    { remedy: `muster check ${name} shows how to close the gaps.`, details: { gaps } },
  );
}

/**
 * Ends a submission that nobody can decide about any more, if it still waits. The transaction has announced its change of
 * standing (`accessChanged`) before, so that no decision comes in between.
 */
export async function makeVoid(
  { standings }: Pick<ReadinessParts, 'standings'>,
  tx: Tx,
  submission: SubmissionRow,
  why: string,
  at: number,
): Promise<void> {
  if (!(await store.end(tx, submission.id, { state: 'void', why, at }))) return;
  await standings.change(tx, {
    endpoint: { id: submission.endpoint, name: submission.endpoint_name, team: submission.team },
    what: 'void',
    reasons: [why],
    model: submission.model,
    version: submission.version,
    actor: { kind: 'system', id: 'readiness' },
    action: 'system.submission.void',
    request: 'readiness',
    at,
    ctx: { submission: submission.id },
  });
}
