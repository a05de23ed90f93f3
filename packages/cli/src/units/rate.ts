import { UsageError } from '../usage-error.ts';

const unitsSeconds: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600 };

/** Requests per second of a rate such as `10/s`, `90/m` or `1000/h`. Throws `UsageError`. */
export function readRate(flag: string, text: string): number {
  const [, digits = '', unit = ''] = /^(\d+(?:\.\d+)?)\/([a-z]+)$/.exec(text) ?? [];
  const seconds = Object.hasOwn(unitsSeconds, unit) ? unitsSeconds[unit] : undefined;
  if (seconds === undefined || Number(digits) === 0)
    throw new UsageError(
      `\`${text}\` is no rate`,
      `Write \`${flag} ${/^\d+(\.\d+)?$/.test(text) ? text : '10'}/s\`; /m and /h are minutes and hours.`,
      flag,
    );
  return Number(digits) / seconds;
}

/** A rate for people: `10/s`, or `6/m` where it is less than one in a second. */
export function rateText(perSecond: number): string {
  const [value, unit] =
    perSecond >= 1 ? [perSecond, 's'] : perSecond * 60 >= 1 ? [perSecond * 60, 'm'] : [perSecond * 3600, 'h'];
  return `${Number(value.toFixed(2))}/${unit}`;
}
