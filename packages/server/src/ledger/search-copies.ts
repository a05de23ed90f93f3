import { type RawBuilder, sql } from 'kysely';
import type { Database } from '../platform/database/index.ts';
import type { BodyFacts } from './check-entry.ts';
import type { EntryRow } from './tables.ts';

/*
 * The columns beside a body are copies to search by, and must say what the body says. Verification reads them joined into
 * one text: a row of three columns is read in half the time of one of nine. A copy that holds the separator itself makes
 * the text ambiguous; whoever reads it asks `isAmbiguous` first, and takes the columns one by one then.
 */

export const searchColumns = ['at', 'actor_id', 'action', 'subject_kind', 'subject_id', 'team_id', 'outcome'] as const;

type SearchCopies = Pick<EntryRow, (typeof searchColumns)[number]>;

const separator = '\x1f';
const escaped = String.raw`\u001f`;
const next = sql.lit(separator);

const joined = sql`cast(at as text) || ${next} || actor_id || ${next} || action || ${next} ||
  subject_kind || ${next} || subject_id || ${next} || coalesce('=' || team_id, '-') || ${next} || outcome`;

/** A blob joins like a text and is found by no search; only a table that somebody made anew, not STRICT, can hold one. */
const isTyped = sql`typeof(at) = 'integer' and typeof(actor_id) = 'text' and typeof(action) = 'text' and
  typeof(subject_kind) = 'text' and typeof(subject_id) = 'text' and typeof(team_id) <> 'blob' and typeof(outcome) = 'text'`;

/** The columns as one text, written by the database; empty where one of them is of another type or missing. */
export function joinedCopies(kind: Database['kind']): RawBuilder<string> {
  return kind === 'sqlite'
    ? sql<string>`coalesce(case when ${isTyped} then ${joined} end, '')`
    : sql<string>`coalesce(${joined}, '')`;
}

/** Whether what a body says may hold the separator. A body that is not canonical is a finding anyway. */
export function isAmbiguous(body: string): boolean {
  return body.includes(escaped);
}

/** What has another value in its joined copies than in the body. */
export function wrongJoinedCopy(copies: string, body: BodyFacts): string | undefined {
  if (copies === joinedOf(body)) return undefined;
  const parts = copies.split(separator);
  if (parts.length !== searchColumns.length) return 'copy';
  const [atText, actor_id = '', actionText = '', subject_kind = '', subject_id = '', teamOf = '', outcomeText = ''] =
    parts;
  const team_id = teamOf === '-' ? null : teamOf.slice(1);
  const found = { at: Number(atText), actor_id, action: actionText, subject_kind, subject_id, team_id };
  return wrongCopy({ ...found, outcome: outcomeText }, body) ?? 'copy';
}

/** The text that belongs to a body; undefined where one of the facts is missing. */
function joinedOf({ at, actor, action, subject, team, outcome }: BodyFacts): string | undefined {
  const id = actor?.id;
  const kind = subject?.kind;
  const subjectId = subject?.id;
  if (typeof at !== 'number' || typeof id !== 'string' || typeof action !== 'string') return undefined;
  if (typeof kind !== 'string' || typeof subjectId !== 'string' || typeof outcome !== 'string') return undefined;
  if (team !== null && typeof team !== 'string') return undefined;
  const teamText = team === null ? '-' : `=${team}`;
  return `${at}\x1f${id}\x1f${action}\x1f${kind}\x1f${subjectId}\x1f${teamText}\x1f${outcome}`;
}

/** What has another value in its copy than in the body. */
export function wrongCopy(copies: Partial<SearchCopies>, body: BodyFacts): string | undefined {
  if (copies.at !== body.at) return 'time';
  if (copies.actor_id !== body.actor?.id) return 'actor';
  if (copies.action !== body.action) return 'action';
  if (copies.subject_kind !== body.subject?.kind || copies.subject_id !== body.subject?.id) return 'subject';
  if (copies.team_id !== body.team) return 'team';
  return copies.outcome === body.outcome ? undefined : 'outcome';
}
