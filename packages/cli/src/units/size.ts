import { UsageError } from '../usage-error.ts';

const binary: Readonly<Record<string, number>> = { Ki: 2 ** 10, Mi: 2 ** 20, Gi: 2 ** 30, Ti: 2 ** 40 };
const decimal: Readonly<Record<string, number>> = { k: 1e3, m: 1e6, g: 1e9, t: 1e12 };

/** Bytes of a size such as `512Mi`. Sizes are binary; throws `UsageError` that names the right spelling for all else. */
export function readSize(flag: string, text: string): number {
  const [, digits = '', unit = ''] = /^(\d+(?:\.\d+)?)\s*([a-zA-Z]*)$/.exec(text) ?? [];
  if (digits === '') throw wrong(flag, `\`${text}\` is no size`, '512Mi');
  const factor = binary[unit];
  if (factor !== undefined) return Math.round(Number(digits) * factor);
  if (unit === '') throw wrong(flag, `\`${flag} ${text}\` has no unit`, `${digits}Mi`);
  if (unit === 'm') throw wrong(flag, `\`${text}\` would be ${digits} thousandths of a byte`, `${digits}Mi`);
  const letter = unit[0]?.toLowerCase() ?? '';
  const bytes = decimal[letter];
  if (bytes === undefined || !/^[kmgt](i?b)?$/i.test(unit)) throw wrong(flag, `\`${text}\` is no size`, '512Mi');
  if (/i/i.test(unit)) throw wrong(flag, `\`${text}\` is no size`, `${digits}${unitNamed(letter)}`);
  throw new UsageError(
    'sizes are binary',
    `Write \`${digits}${unitNamed(letter)}\` (${digits} ${letter.toUpperCase()}B = ${inMebibytes(Number(digits) * bytes)}).`,
    flag,
  );
}

/** Bytes in the largest binary unit that gives a number of at least 1, such as `17.3 KiB`. */
export function sizeText(bytes: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
  let at = 0;
  let value = bytes;
  while (value >= 1024 && at < units.length - 1) {
    value /= 1024;
    at += 1;
  }
  return `${at === 0 || value >= 100 ? Math.round(value) : value.toFixed(1)} ${units[at] ?? 'B'}`;
}

function inMebibytes(bytes: number): string {
  const mebibytes = bytes / 2 ** 20;
  return mebibytes >= 1 ? `${Math.round(mebibytes)}Mi` : `${Math.max(1, Math.round(bytes / 2 ** 10))}Ki`;
}

function unitNamed(letter: string): string {
  return `${letter.toUpperCase()}i`;
}

function wrong(flag: string, message: string, example: string): UsageError {
  return new UsageError(message, `Write \`${example}\`.`, flag);
}
