/** How a time is shown: `3 min ago` to a person, RFC 3339 to a program. */
export function timeText(time: string | null, options: { readonly relative: boolean; readonly nowMs: number }): string {
  if (time === null) return '-';
  if (!options.relative) return time;
  const ageMs = options.nowMs - Date.parse(time);
  if (Number.isNaN(ageMs)) return time;
  const text = spanText(Math.abs(ageMs));
  if (text === '') return 'now';
  return ageMs < 0 ? `in ${text}` : `${text} ago`;
}

function spanText(spanMs: number): string {
  if (spanMs < 1000) return '';
  if (spanMs < 60_000) return `${Math.floor(spanMs / 1000)} s`;
  if (spanMs < 3_600_000) return `${Math.floor(spanMs / 60_000)} min`;
  if (spanMs < 172_800_000) return `${Math.floor(spanMs / 3_600_000)} h`;
  return `${Math.floor(spanMs / 86_400_000)} d`;
}
