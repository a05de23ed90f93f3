import { UsageError } from '../usage-error.ts';

/** A whole number of at least `least`. Throws `UsageError`. */
export function readCount(flag: string, text: string, least: number): number {
  if (!/^\d+$/.test(text) || !Number.isSafeInteger(Number(text)) || Number(text) < least)
    throw new UsageError(
      `\`${text}\` is no whole number of at least ${least}`,
      `Write \`${flag} ${Math.max(least, 2)}\`.`,
      flag,
    );
  return Number(text);
}
