import { z } from 'zod';
import { slugSchema } from '../management/names.ts';
import { callersQuerySchema, callersSchema } from '../management/usage.ts';
import { route } from '../route.ts';

/** Routes of who calls what. */
export const usageRoutes = {
  endpointCallers: route({
    method: 'GET',
    path: '/api/v1/endpoints/{endpoint}/callers',
    action: 'endpoint.callers',
    summary: 'Who called an endpoint, those with most calls first',
    params: z.strictObject({ endpoint: slugSchema }),
    query: callersQuerySchema,
    answer: { status: 200, schema: callersSchema },
  }),
} as const;
