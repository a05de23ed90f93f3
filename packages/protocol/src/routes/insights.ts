import { timeQuerySchema, timeToProductionSchema } from '../management/insights.ts';
import { route } from '../route.ts';

/** Routes over how things go. */
export const insightRoutes = {
  insightsTime: route({
    method: 'GET',
    path: '/api/v1/insights/time',
    action: 'insights.read',
    summary: 'Time to production, where it is lost, and for whom it waits',
    query: timeQuerySchema,
    answer: { status: 200, schema: timeToProductionSchema },
  }),
} as const;
