import type { Page, PageQuery, StandingEvent, Submission, SubmissionQuery } from '@muster-ml/protocol';
import type { Caller } from '../identity/index.ts';
import type { StandingTables } from '../standing/index.ts';
import { submissionNotFound } from './decide-submission.ts';
import { authorizedEndpoint } from './evidence-parts.ts';
import type { ReadinessParts } from './parts.ts';
import { type SubmissionRow, submissionStore as store } from './submission-store.ts';

/** Throws `submission_not_found`. */
export async function getSubmission(parts: ReadinessParts, caller: Caller, id: string): Promise<Submission> {
  const { database, identity } = parts;
  const row = await store.find(database.reader, id);
  if (row === undefined) throw submissionNotFound(id);
  identity.authorize(caller, 'readiness.read', {
    kind: 'submission',
    id,
    team: row.team,
    endpoint: row.endpoint_name,
    missing: () => submissionNotFound(id),
  });
  const [submission] = await render(parts, [row]);
  if (submission === undefined) throw submissionNotFound(id);
  return submission;
}

/** Newest first; the cursor is the last one's id. */
export async function listSubmissions(
  parts: ReadinessParts,
  caller: Caller,
  query: SubmissionQuery,
): Promise<Page<Submission>> {
  const scope = parts.identity.scope(caller, 'readiness.read');
  const found = await store.page(parts.database.reader, scope, query, query.limit + 1);
  const shown = found.slice(0, query.limit);
  const items = await render(parts, shown);
  const next = found.length > query.limit ? shown.at(-1)?.id : undefined;
  return next === undefined ? { items } : { items, next };
}

async function render(
  { database, identity }: ReadinessParts,
  rows: readonly SubmissionRow[],
): Promise<readonly Submission[]> {
  const approvals = await store.approvals(
    database.reader,
    rows.map(({ id }) => id),
  );
  const people = [...rows.map((row) => row.submitted_by), ...approvals.map(({ actor }) => actor)];
  const names = await identity.namesOf([...new Set(people)]);
  const someone = (id: string) => ({ id, name: names.get(id) ?? null });
  const approvalsOf = Map.groupBy(approvals, ({ submission }) => submission);
  return rows.map((row) => ({
    id: row.id,
    endpoint: row.endpoint_name,
    team: row.team,
    model: row.model,
    version: row.version,
    level: row.level,
    riskTier: row.risk_tier,
    state: row.state,
    why: row.why,
    note: row.note,
    subjectDigest: row.subject_digest,
    evidenceDigest: row.evidence_digest,
    approvalsNeeded: row.approvals_needed,
    approvals: (approvalsOf.get(row.id) ?? []).map(({ actor, at, reason, entry }) => ({
      by: someone(actor),
      at: timeOf(at),
      reason,
      entry,
    })),
    submitted: { by: someone(row.submitted_by), at: timeOf(row.submitted_at) },
    endedAt: row.ended_at === null ? null : timeOf(row.ended_at),
  }));
}

/** How the standing of an endpoint changed, newest first. Throws `endpoint_not_found`. */
export async function listStandingEvents(
  parts: ReadinessParts,
  caller: Caller,
  name: string,
  { after, limit }: PageQuery,
): Promise<Page<StandingEvent>> {
  const { database, identity } = parts;
  const endpoint = await authorizedEndpoint(parts, caller, 'readiness.read', name);
  const found = await database.reader
    .withTables<StandingTables>()
    .selectFrom('standing_event')
    .selectAll()
    .where('endpoint', '=', endpoint.id)
    .$if(after !== undefined, (all) => all.where('id', '<', after ?? ''))
    .orderBy('id', 'desc')
    .limit(limit + 1)
    .execute();
  const shown = found.slice(0, limit);
  const names = await identity.namesOf([...new Set(shown.flatMap(({ actor }) => actor ?? []))]);
  const items = shown.map((event) => ({
    at: timeOf(event.at),
    what: event.what,
    reasons: JSON.parse(event.reasons) as string[],
    model: event.model,
    version: event.version,
    by: event.actor === null ? null : { id: event.actor, name: names.get(event.actor) ?? null },
    entry: event.entry,
  }));
  const next = found.length > limit ? shown.at(-1)?.id : undefined;
  return next === undefined ? { items } : { items, next };
}

function timeOf(time: number): string {
  return new Date(time).toISOString();
}
