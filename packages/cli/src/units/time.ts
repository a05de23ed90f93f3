import { UsageError } from '../usage-error.ts';
import { readDuration } from './duration.ts';

/** A point in time as RFC 3339 in UTC: `2h` is two hours ago, `2026-11-01` the begin of that day in UTC. Throws `UsageError`. */
export function readTime(flag: string, text: string, nowMs: number): string {
  if (/^\d+(?:\.\d+)?\s*[a-zA-Z]+$/.test(text)) return new Date(nowMs - readDuration(flag, text)).toISOString();
  const [, date, time = 'T00:00Z'] =
    /^(\d{4}-\d{2}-\d{2})([Tt ]\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?(?:[Zz]|[+-]\d{2}:\d{2}))?$/.exec(text) ?? [];
  const parsed = date === undefined ? Number.NaN : Date.parse(date + time.replace(' ', 'T').toUpperCase());
  if (date !== undefined && !Number.isNaN(parsed) && isOnCalendar(date)) return new Date(parsed).toISOString();
  throw new UsageError(`\`${text}\` is no time`, `Write \`${flag} 2h\`, 2026-11-01, or 2026-11-01T09:30:00Z.`, flag);
}

/** The parser of the language takes the 30th of February for the 2nd of March. */
function isOnCalendar(date: string): boolean {
  const at = Date.parse(`${date}T00:00:00Z`);
  return !Number.isNaN(at) && new Date(at).toISOString().startsWith(date);
}
