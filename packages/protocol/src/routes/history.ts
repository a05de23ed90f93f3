import { fleetEndpointSchema, fleetQuerySchema } from '../management/fleet.ts';
import { historyIntervalSchema, historyQuerySchema } from '../management/history.ts';
import { pageOf } from '../management/pages.ts';
import { route } from '../route.ts';

/** Routes over what is live, and what was. */
export const historyRoutes = {
  historyList: route({
    method: 'GET',
    path: '/api/v1/history',
    action: 'history.read',
    summary: 'What had traffic when, at which share, by whose decision; newest first',
    query: historyQuerySchema,
    answer: { status: 200, schema: pageOf(historyIntervalSchema) },
  }),
  fleetList: route({
    method: 'GET',
    path: '/api/v1/fleet',
    action: 'endpoint.read',
    summary: 'Every endpoint: whose it is, what is live, how it is used, who changed it last',
    query: fleetQuerySchema,
    answer: { status: 200, schema: pageOf(fleetEndpointSchema) },
  }),
} as const;
