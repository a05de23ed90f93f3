import { withNearest } from '../context/with-nearest.ts';
import type { Invocation } from '../invocation.ts';
import { timeText } from '../output/time-text.ts';
import { readDays } from '../units/days.ts';
import { type DrillFlags, readDrillKind, readDrillSettings } from './drill-settings.ts';

export interface DrillScheduleFlags extends DrillFlags {
  readonly every: string;
}

/** Has a drill done every so many days. */
export async function drillSchedule(
  invocation: Invocation,
  endpoint: string,
  kindText: string,
  flags: DrillScheduleFlags,
): Promise<void> {
  const { terminal, surroundings } = invocation;
  const kind = readDrillKind(kindText);
  const body = { everyDays: readDays('--every', flags.every, 365), settings: readDrillSettings(flags) };
  const client = await invocation.client();
  const schedule = await withNearest(
    client,
    'endpoint',
    endpoint,
    async () => await client.call('drillScheduleSet', { params: { endpoint, kind }, body }),
  );
  if (invocation.flags.json === true) return terminal.print(JSON.stringify(schedule));
  const first = timeText(schedule.nextAt, { relative: terminal.isRead, nowMs: surroundings.now() });
  terminal.note(`The ${kind} drill of ${endpoint} is done every ${schedule.everyDays} days, the first ${first}.`);
}

/** Ends the schedule of a drill. */
export async function drillUnschedule(invocation: Invocation, endpoint: string, kindText: string): Promise<void> {
  const kind = readDrillKind(kindText);
  const client = await invocation.client();
  await withNearest(
    client,
    'endpoint',
    endpoint,
    async () => await client.call('drillScheduleEnd', { params: { endpoint, kind } }),
  );
  if (invocation.flags.json === true) return invocation.terminal.print(JSON.stringify({ endpoint, kind }));
  invocation.terminal.note(`The ${kind} drill of ${endpoint} is not done by itself any more.`);
}
