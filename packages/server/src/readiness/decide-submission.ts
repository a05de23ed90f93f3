import { MusterError, judge } from '@muster-ml/protocol';
import { type Caller, ledgerActor } from '../identity/index.ts';
import type { Tx } from '../platform/database/index.ts';
import { grantStanding } from './judge-standing.ts';
import type { ReadinessParts } from './parts.ts';
import { type SubmissionRow, submissionStore as store } from './submission-store.ts';
import { evidenceDigestOf } from './subject.ts';
import { loadOne, refuseGaps, reviewCheck } from './submit.ts';

/**
 * Approves what was submitted, if it and all that it showed are as they were; with the last approval that is needed, what
 * is live is in production. Throws `submission_not_found`, `not_allowed`, `submission_ended`, `already_approved`,
 * `submission_changed`, `not_ready`.
 */
export async function approve(
  parts: ReadinessParts,
  caller: Caller,
  id: string,
  { reason, evidenceDigest }: { readonly reason: string; readonly evidenceDigest: string },
): Promise<void> {
  await decide(parts, caller, id, async (tx, submission) => {
    const now = parts.clock.now();
    const approvals = await store.approvals(tx, [id]);
    if (approvals.some(({ actor }) => actor === caller.actor.id))
      throw new MusterError('already_approved', `you approved ${id} already`);
    const endpoint = endpointOf(submission);
    const { facts, subject } = await loadOne(
      parts,
      tx,
      endpoint,
      submission.kind === 'observed' ? undefined : submission.version,
    );
    if (subject?.subjectDigest !== submission.subject_digest)
      throw new MusterError(
        'submission_changed',
        `what ${endpoint.name} serves, or how, or what for, is not what was submitted`,
      );
    refuseGaps(endpoint.name, judge(facts, { without: [reviewCheck] }));
    const found = evidenceDigestOf(judge(facts));
    if (found !== submission.evidence_digest || evidenceDigest !== submission.evidence_digest)
      throw new MusterError('submission_changed', `the evidence of ${endpoint.name} is not what was submitted`);
    const left = Math.max(0, submission.approvals_needed - approvals.length - 1);
    const entry = await parts.standings.change(tx, {
      endpoint,
      what: 'approved',
      reasons: [reason],
      model: submission.model,
      version: submission.version,
      approvalsLeft: left,
      actor: ledgerActor(caller),
      action: 'readiness.approve',
      request: caller.requestId,
      at: now,
      ctx: {
        submission: id,
        decision: 'approved',
        subjectDigest: submission.subject_digest,
        evidenceDigest,
      },
    });
    await store.addApproval(tx, { submission: id, actor: caller.actor.id, at: now, reason, entry });
    if (left > 0) return;
    await store.end(tx, id, { state: 'approved', why: null, at: now });
    await grantStanding(parts, tx, endpoint, { actor: ledgerActor(caller), request: caller.requestId });
  });
}

/** Throws as `approve` does. */
export async function reject(
  parts: ReadinessParts,
  caller: Caller,
  id: string,
  { reason }: { readonly reason: string },
): Promise<void> {
  await decide(parts, caller, id, async (tx, submission) => {
    const now = parts.clock.now();
    await store.end(tx, id, { state: 'rejected', why: reason, at: now });
    await parts.standings.change(tx, {
      endpoint: endpointOf(submission),
      what: 'rejected',
      reasons: [reason],
      model: submission.model,
      version: submission.version,
      actor: ledgerActor(caller),
      action: 'readiness.approve',
      request: caller.requestId,
      at: now,
      ctx: { submission: id, decision: 'rejected' },
    });
  });
}

async function decide(
  parts: ReadinessParts,
  caller: Caller,
  id: string,
  work: (tx: Tx, submission: SubmissionRow) => Promise<void>,
): Promise<void> {
  const { database, identity } = parts;
  authorize(parts, caller, id, await store.find(database.reader, id));
  await database.inTransaction(async (tx) => {
    await identity.accessChanged(tx);
    const submission = authorize(parts, caller, id, await store.find(tx, id));
    if (submission.state !== 'waiting')
      throw new MusterError('submission_ended', `the submission ${id} is ${submission.state}`);
    await work(tx, submission);
  });
  parts.poke();
}

/** Neither who made the version nor who asked for its production decides. */
function authorize(
  { identity }: Pick<ReadinessParts, 'identity'>,
  caller: Caller,
  id: string,
  submission: SubmissionRow | undefined,
): SubmissionRow {
  if (submission === undefined) throw submissionNotFound(id);
  identity.authorize(caller, 'readiness.approve', {
    kind: 'submission',
    id,
    team: submission.team,
    endpoint: submission.endpoint_name,
    authors: JSON.parse(submission.authors) as string[],
    requesters: [submission.submitted_by],
    missing: () => submissionNotFound(id),
  });
  return submission;
}

function endpointOf(row: SubmissionRow): { readonly id: string; readonly name: string; readonly team: string } {
  return { id: row.endpoint, name: row.endpoint_name, team: row.team };
}

export function submissionNotFound(id: string): MusterError {
  return new MusterError('submission_not_found', `there is no submission ${id}`);
}
