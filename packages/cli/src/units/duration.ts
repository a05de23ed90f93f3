import { UsageError } from '../usage-error.ts';

const unitsMs: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };
const words: Readonly<Record<string, string>> = {
  millisecond: 'ms',
  sec: 's',
  second: 's',
  min: 'm',
  minute: 'm',
  hour: 'h',
  day: 'd',
};

/** Milliseconds of a duration such as `50ms`, `30s`, `5m`, `12h` or `90d`. Throws `UsageError`. */
export function readDuration(flag: string, text: string): number {
  const [, digits = '', unit = ''] = /^(\d+(?:\.\d+)?)\s*([a-zA-Z]*)$/.exec(text) ?? [];
  const factor = Object.hasOwn(unitsMs, unit) && !text.includes(' ') ? unitsMs[unit] : undefined;
  if (digits !== '' && factor !== undefined) return Number(digits) * factor;
  if (digits !== '' && unit === '')
    throw new UsageError(`\`${flag} ${text}\` has no unit`, `Write \`${digits}ms\` or \`${digits}s\`.`, flag);
  const word = unit.toLowerCase().replace(/s$/, '');
  const meant = words[word] ?? (Object.hasOwn(unitsMs, unit.toLowerCase()) ? unit.toLowerCase() : undefined);
  throw new UsageError(
    `\`${text}\` is no duration`,
    `Write \`${digits !== '' && meant !== undefined ? digits + meant : '5ms'}\`.`,
    flag,
  );
}

/** A duration for people: `12 ms`, `0.9 s`, `3 min`. */
export function durationText(durationMs: number): string {
  if (durationMs < 10) return `${durationMs.toFixed(1)} ms`;
  if (durationMs < 1000) return `${Math.round(durationMs)} ms`;
  if (durationMs < 60_000) return `${(durationMs / 1000).toFixed(1)} s`;
  if (durationMs < 5_400_000) return `${Math.round(durationMs / 60_000)} min`;
  return `${(durationMs / 3_600_000).toFixed(1)} h`;
}
