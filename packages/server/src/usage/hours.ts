export const hourMs = 3_600_000;
export const dayMs = 24 * hourMs;

/** When the hour (UTC) of a time began; both milliseconds since the epoch. */
export function hourOf(at: number): number {
  return Math.floor(at / hourMs) * hourMs;
}

/** When the day (UTC) of a time began. */
export function dayOf(at: number): number {
  return Math.floor(at / dayMs) * dayMs;
}
