import type { Handlers } from '../identity/index.ts';
import type { History } from './history.ts';

/** Routes over what is live, and what was. */
export function historyRoutes(history: History): Handlers<'historyList' | 'fleetList'> {
  return {
    historyList: async ({ caller, query }) => {
      const page = await history.listHistory(caller, query);
      return { ...page, items: [...page.items] };
    },
    fleetList: async ({ caller, query }) => {
      const page = await history.listFleet(caller, query);
      return { ...page, items: [...page.items] };
    },
  };
}
