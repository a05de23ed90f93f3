import type { Handlers } from '../identity/index.ts';
import type { Insights } from './insights.ts';

/** Routes over how things go. */
export function insightRoutes(insights: Insights): Handlers<'insightsTime'> {
  return {
    insightsTime: async ({ caller, query }) => await insights.time(caller, query),
  };
}
