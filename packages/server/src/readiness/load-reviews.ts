import type { ReviewFacts } from '@muster-ml/protocol';
import type { Kysely } from 'kysely';
import type { FactTables } from './read-tables.ts';

/** A submission that counts or waits, with who approved it. */
export interface Review {
  readonly id: string;
  readonly state: 'approved' | 'waiting';
  readonly subjectDigest: string;
  readonly approvalsNeeded: number;
  readonly authors: readonly string[];
  readonly approvals: readonly { readonly by: string; readonly at: number }[];
}

/** Submissions that were neither rejected nor became void, oldest first, by endpoint. */
export async function loadReviews(
  reader: Kysely<unknown>,
  ids: readonly string[],
): Promise<ReadonlyMap<string, readonly Review[]>> {
  const db = reader.withTables<FactTables>();
  const rows = await db
    .selectFrom('submission')
    .select(['id', 'endpoint', 'state', 'subject_digest', 'approvals_needed', 'authors'])
    .where('endpoint', 'in', ids)
    .where('state', 'in', ['waiting', 'approved'])
    .orderBy('id')
    .execute();
  const approvals = await db
    .selectFrom('approval')
    .innerJoin('submission', 'submission.id', 'approval.submission')
    .select(['submission', 'actor', 'at'])
    .where('submission.endpoint', 'in', ids)
    .where('state', 'in', ['waiting', 'approved'])
    .orderBy('at')
    .execute();
  const approvalsOf = Map.groupBy(approvals, ({ submission }) => submission);
  const reviews = rows.map((row) => ({
    endpoint: row.endpoint,
    review: {
      id: row.id,
      state: row.state === 'approved' ? 'approved' : 'waiting',
      subjectDigest: row.subject_digest,
      approvalsNeeded: row.approvals_needed,
      authors: JSON.parse(row.authors) as string[],
      approvals: (approvalsOf.get(row.id) ?? []).map(({ actor: by, at }) => ({ by, at })),
    } satisfies Review,
  }));
  return new Map(
    [...Map.groupBy(reviews, ({ endpoint }) => endpoint)].map(([id, all]) => [id, all.map(({ review }) => review)]),
  );
}

/** The approved submission of what is there now, or else the newest one of all: an older subject makes the check stale. */
export function reviewOf(
  reviews: readonly Review[],
  subjectDigest: string | undefined,
  author: string | null,
): ReviewFacts | null {
  const same = reviews.filter((review) => review.subjectDigest === subjectDigest);
  const review =
    same.findLast(({ state }) => state === 'approved') ??
    same.at(-1) ??
    reviews.findLast(({ state }) => state === 'approved') ??
    reviews.at(-1);
  if (review === undefined) return null;
  const { id: submission, subjectDigest: digest, approvalsNeeded, approvals } = review;
  const authors = author === null || review.authors.includes(author) ? review.authors : [...review.authors, author];
  return { submission, subjectDigest: digest, approvalsNeeded, approvals, authors };
}

/** The approved submission of exactly this subject; null where there is none. */
export function approvedOf(reviews: readonly Review[], subjectDigest: string | undefined): string | null {
  return (
    reviews.findLast((review) => review.state === 'approved' && review.subjectDigest === subjectDigest)?.id ?? null
  );
}
