import type { Handlers } from '../identity/index.ts';
import type { Drills } from './drills.ts';

type DrillRoutes = 'drillStart' | 'drillScheduleList' | 'drillScheduleSet' | 'drillScheduleEnd';

/** Routes of drills. */
export function drillRoutes(drills: Drills): Handlers<DrillRoutes> {
  return {
    drillStart: async ({ caller, params, body }) => await drills.startDrill(caller, params.endpoint, body),
    drillScheduleList: async ({ caller, params, query }) => {
      const page = await drills.listSchedules(caller, params.endpoint, query);
      return { ...page, items: [...page.items] };
    },
    drillScheduleSet: async ({ caller, params, body }) =>
      await drills.setSchedule(caller, params.endpoint, params.kind, body),
    drillScheduleEnd: async ({ caller, params }) => {
      await drills.endSchedule(caller, params.endpoint, params.kind);
      return undefined;
    },
  };
}
