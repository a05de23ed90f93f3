import type { IdentityTables } from './tables.ts';

type Width = Pick<IdentityTables['endpoint_access'], 'rate_per_second' | 'requests_per_day' | 'expires_at'>;

/** Whether a rule lets anything that the one before it did not: more calls, or longer. One that has expired let nothing. */
export function isWider(before: Width | undefined, after: Width, now: number): boolean {
  if (before === undefined || (before.expires_at !== null && before.expires_at <= now)) return true;
  return (['rate_per_second', 'requests_per_day', 'expires_at'] as const).some(
    (limit) => (after[limit] ?? Infinity) > (before[limit] ?? Infinity),
  );
}
