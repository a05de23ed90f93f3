import type { ValueType } from './table.ts';

const perSecond: Partial<Record<ValueType, bigint>> = { millis: 1000n, micros: 1_000_000n, nanos: 1_000_000_000n };

/** A time as ISO 8601, without losing a digit: `2026-03-01T12:00:00.123456Z`, or `2026-03-01` for days. */
export function timeText(value: number | bigint, type: ValueType): string {
  if (type === 'days') return isoOf(Number(value) * 86_400_000).slice(0, 10);
  const unit = perSecond[type] ?? 1000n;
  const whole = BigInt(value);
  // Towards the past, so that what is left is never negative.
  const rest = ((whole % unit) + unit) % unit;
  const seconds = (whole - rest) / unit;
  const fraction = String(rest)
    .padStart(String(unit).length - 1, '0')
    .replace(/0+$/, '');
  const date = isoOf(Number(seconds) * 1000).slice(0, -5);
  return `${date}${fraction === '' ? '' : `.${fraction}`}Z`;
}

export function isTime(type: ValueType): boolean {
  return type === 'days' || type === 'millis' || type === 'micros' || type === 'nanos';
}

/** Times beyond what a date can say stay within its form. */
function isoOf(ms: number): string {
  return new Date(Math.max(-8.64e15, Math.min(8.64e15, ms))).toISOString();
}
