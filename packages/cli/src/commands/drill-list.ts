import { type DrillKind, type DrillSchedule, type Evidence, drillChecks, drillKinds } from '@muster-ml/protocol';
import { allPages } from '../context/all-pages.ts';
import { withNearest } from '../context/with-nearest.ts';
import type { Invocation } from '../invocation.ts';
import { showList } from '../output/show-list.ts';
import { timeText } from '../output/time-text.ts';

interface DrillLine {
  readonly kind: DrillKind;
  readonly check: string;
  readonly newest: Evidence | null;
  readonly schedule: DrillSchedule | null;
}

/** Lists each kind of drill: what the newest found, and when the next is done by itself. */
export async function drillList(invocation: Invocation, endpoint: string): Promise<void> {
  const { terminal, surroundings } = invocation;
  const client = await invocation.client();
  const lines = await withNearest(client, 'endpoint', endpoint, async () => {
    const params = { endpoint };
    const schedules = await allPages(async (page) => await client.call('drillScheduleList', { params, query: page }));
    return await Promise.all(
      drillKinds.map(async (kind): Promise<DrillLine> => {
        const check = drillChecks[kind];
        const { items } = await client.call('evidenceList', { params, query: { check, limit: 1 } });
        const schedule = schedules.find((one) => one.kind === kind) ?? null;
        return { kind, check, newest: items[0] ?? null, schedule };
      }),
    );
  });
  const when = (time: string | null): string =>
    timeText(time, { relative: terminal.isRead, nowMs: surroundings.now() });
  showList(invocation, lines, {
    name: ({ kind }) => kind,
    whenEmpty: '',
    columns: [
      { title: 'DRILL', value: ({ kind }) => kind },
      { title: 'CHECK', value: ({ check }) => check },
      { title: 'LAST', value: ({ newest }) => (newest === null ? 'never' : when(newest.at)) },
      { title: 'HELD', value: ({ newest }) => (newest === null ? '-' : newest.passed ? 'yes' : 'no') },
      { title: 'FOUND', value: ({ newest }) => newest?.summary ?? '-', shrinks: true },
      { title: 'EVERY', value: ({ schedule }) => (schedule === null ? '-' : `${schedule.everyDays} d`) },
      { title: 'NEXT', value: ({ schedule }) => (schedule === null ? '-' : when(schedule.nextAt)) },
      { title: 'OUTCOME', value: ({ schedule }) => schedule?.lastOutcome ?? '-', shrinks: true, wide: true },
    ],
  });
}
