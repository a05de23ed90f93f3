import type { Cell } from '@muster-ml/protocol';
import { isTime, timeText } from './time-text.ts';
import type { ValueType } from './table.ts';

/** A value that is kept, as JSON. What JSON has no number for is null, as what is missing. */
export function cellJson(value: Cell | undefined, type: ValueType): string {
  if (value === null || value === undefined) return 'null';
  if (typeof value === 'bigint') return isTime(type) ? `"${timeText(value, type)}"` : String(value);
  if (typeof value === 'number') {
    if (isTime(type)) return `"${timeText(value, type)}"`;
    return Number.isFinite(value) ? String(value) : 'null';
  }
  return JSON.stringify(value, (_key, inner: unknown) => (typeof inner === 'bigint' ? Number(inner) : inner));
}

/** A value that is kept, as plain text: lists and objects as JSON, what is missing as nothing. */
export function cellText(value: Cell | undefined, type: ValueType): string {
  if (typeof value === 'string') return value;
  const json = cellJson(value, type);
  if (json === 'null') return '';
  return json.startsWith('"') ? (JSON.parse(json) as string) : json;
}
