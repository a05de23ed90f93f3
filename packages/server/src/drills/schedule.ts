import { createHash } from 'node:crypto';
import type { DrillKind, DrillSchedule, DrillSettings } from '@muster-ml/protocol';

/** A drill that is done every so many days, in the name of whoever set it. */
export interface ScheduleRecord {
  readonly endpointId: string;
  readonly endpoint: string;
  readonly team: string;
  readonly kind: DrillKind;
  readonly everyDays: number;
  readonly settings: DrillSettings;
  readonly nextAt: number;
  readonly lastAt: number | null;
  readonly lastOutcome: string | null;
  readonly setAt: number;
  readonly setBy: string;
}

export const dayMs = 86_400_000;

/** A part of the interval by which a drill comes earlier, so that those set together do not come together for ever. */
const spreadShare = 0.05;

/** When the first is due: within a day, each endpoint and kind at an hour of its own. */
export function firstAt(schedule: Pick<ScheduleRecord, 'endpointId' | 'kind'>, now: number): number {
  return now + Math.round(placeOf(schedule) * dayMs);
}

/** When the next one is due after one that was done, or tried. */
export function nextAt(schedule: Pick<ScheduleRecord, 'endpointId' | 'kind' | 'everyDays'>, now: number): number {
  const intervalMs = schedule.everyDays * dayMs;
  return now + Math.round(intervalMs * (1 - spreadShare * placeOf(schedule)));
}

export function renderSchedule(record: ScheduleRecord, name: string): DrillSchedule {
  const { endpoint, kind, everyDays, settings, lastAt, lastOutcome, setBy } = record;
  return {
    endpoint,
    kind,
    everyDays,
    settings,
    nextAt: time(record.nextAt),
    lastAt: lastAt === null ? null : time(lastAt),
    lastOutcome,
    set: { by: { id: setBy, name }, at: time(record.setAt) },
  };
}

/** A number from 0 up to 1 that is always the same for an endpoint and kind. */
function placeOf({ endpointId, kind }: Pick<ScheduleRecord, 'endpointId' | 'kind'>): number {
  return createHash('sha256').update(`${endpointId} ${kind}`).digest().readUInt32LE() / 2 ** 32;
}

function time(atMs: number): string {
  return new Date(atMs).toISOString();
}
