import { UsageError } from '../usage-error.ts';

/** Percent of a share such as `10%`. The sign is required: a bare 0.1 could mean 0.1 % or 10 %. Throws `UsageError`. */
export function readShare(flag: string, text: string): number {
  const [, digits = '', sign = ''] = /^(\d+(?:\.\d+)?)\s*(%?)$/.exec(text) ?? [];
  if (digits === '') throw new UsageError(`\`${text}\` is no share`, 'Write `10%`.', flag);
  const value = Number(digits);
  if (sign === '') {
    const meant = value > 0 && value < 1 ? Number((value * 100).toPrecision(6)) : value;
    throw new UsageError('shares carry a percent sign', `Write \`${meant}%\`.`, flag);
  }
  if (value > 100)
    throw new UsageError(`\`${text}\` is more than everything`, 'Write a share from `0%` to `100%`.', flag);
  return value;
}
