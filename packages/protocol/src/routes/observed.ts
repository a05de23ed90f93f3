import { z } from 'zod';
import { slugSchema } from '../management/names.ts';
import {
  importObservedSchema,
  importResultSchema,
  observationSchema,
  observeSchema,
  observedSchema,
  updateObservedSchema,
} from '../management/observed.ts';
import { pageOf, pageQuerySchema } from '../management/pages.ts';
import { route } from '../route.ts';

const params = z.strictObject({ endpoint: slugSchema });
const answer = { status: 200, schema: observedSchema } as const;

/** Routes over endpoints that something else serves. They are deleted, described and given an owner as all endpoints are. */
export const observedRoutes = {
  observedList: route({
    method: 'GET',
    path: '/api/v1/observed-endpoints',
    action: 'endpoint.read',
    summary: 'Endpoints that something else serves, by name',
    query: pageQuerySchema,
    answer: { status: 200, schema: pageOf(observedSchema) },
  }),
  observedCreate: route({
    method: 'POST',
    path: '/api/v1/observed-endpoints',
    action: 'endpoint.observe',
    summary: 'Lists an endpoint that something else serves',
    body: observeSchema,
    answer: { status: 201, schema: observedSchema },
  }),
  observedImport: route({
    method: 'POST',
    path: '/api/v1/observed-endpoints/import',
    action: 'endpoint.observe',
    summary: 'Lists many at once; what is there already is brought up to date',
    body: importObservedSchema,
    bodyBytes: 8 * 1024 * 1024,
    answer: { status: 200, schema: importResultSchema },
  }),
  observedGet: route({
    method: 'GET',
    path: '/api/v1/observed-endpoints/{endpoint}',
    action: 'endpoint.read',
    summary: 'One of them',
    params,
    answer,
  }),
  observedUpdate: route({
    method: 'PATCH',
    path: '/api/v1/observed-endpoints/{endpoint}',
    action: 'endpoint.observe',
    summary: 'Changes where it is, what it serves, or how it is looked at',
    params,
    body: updateObservedSchema,
    answer,
  }),
  observationPush: route({
    method: 'POST',
    path: '/api/v1/observed-endpoints/{endpoint}/observations',
    action: 'endpoint.report',
    summary: 'Tells how it was used, and how it answered',
    params,
    body: observationSchema,
    answer,
  }),
} as const;
