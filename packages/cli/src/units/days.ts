import { UsageError } from '../usage-error.ts';
import { readDuration } from './duration.ts';

const dayMs = 86_400_000;

/** Whole days of a duration such as `30d`, from one to `most`. Throws `UsageError`. */
export function readDays(flag: string, text: string, most: number): number {
  const days = readDuration(flag, text) / dayMs;
  if (Number.isInteger(days) && days >= 1 && days <= most) return days;
  throw new UsageError(`\`${text}\` is not 1 to ${most} whole days`, `Write \`${flag} ${Math.min(30, most)}d\`.`, flag);
}
