import { UsageError } from '../usage-error.ts';

/** Whom an access rule is about. */
export interface AccessSubject {
  readonly subjectKind: 'actor' | 'team';
  readonly subject: string;
}

/** An actor as an operand, or a team as a flag. Throws `UsageError` for both and for neither. */
export function readSubject(actor: string | undefined, team: string | undefined): AccessSubject {
  if (actor !== undefined && team === undefined) return { subjectKind: 'actor', subject: actor };
  if (actor === undefined && team !== undefined) return { subjectKind: 'team', subject: team };
  throw new UsageError(
    actor === undefined ? 'whom is the rule about?' : 'a rule is about one actor or one team',
    'Name either an actor or, with --team, a team.',
    '--team',
  );
}

/** `ana`, `team search`. */
export function subjectText({ subjectKind, subject }: AccessSubject): string {
  return subjectKind === 'team' ? `team ${subject}` : subject;
}
