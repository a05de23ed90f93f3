import { z } from 'zod';
import {
  drillKindSchema,
  drillScheduleSchema,
  setDrillScheduleSchema,
  startDrillSchema,
} from '../management/drills.ts';
import { slugSchema } from '../management/names.ts';
import { operationSchema } from '../management/operations.ts';
import { pageOf, pageQuerySchema } from '../management/pages.ts';
import { route } from '../route.ts';

const onEndpoint = z.strictObject({ endpoint: slugSchema });
const onSchedule = z.strictObject({ endpoint: slugSchema, kind: drillKindSchema });

/** Routes of drills: evidence that is made by doing it. */
export const drillRoutes = {
  drillStart: route({
    method: 'POST',
    path: '/api/v1/endpoints/{endpoint}/drills',
    action: 'drill.run',
    summary: 'Does a drill on the real deployment and records what it found',
    params: onEndpoint,
    body: startDrillSchema,
    answer: { status: 202, schema: operationSchema },
  }),
  drillScheduleList: route({
    method: 'GET',
    path: '/api/v1/endpoints/{endpoint}/drill-schedules',
    action: 'readiness.read',
    summary: 'Drills that are done by themselves',
    params: onEndpoint,
    query: pageQuerySchema,
    answer: { status: 200, schema: pageOf(drillScheduleSchema) },
  }),
  drillScheduleSet: route({
    method: 'PUT',
    path: '/api/v1/endpoints/{endpoint}/drill-schedules/{kind}',
    action: 'drill.run',
    summary: 'Does a drill every so many days, in the name of who sets it',
    params: onSchedule,
    body: setDrillScheduleSchema,
    answer: { status: 200, schema: drillScheduleSchema },
  }),
  drillScheduleEnd: route({
    method: 'DELETE',
    path: '/api/v1/endpoints/{endpoint}/drill-schedules/{kind}',
    action: 'drill.run',
    summary: 'Ends a schedule',
    params: onSchedule,
    answer: { status: 204 },
  }),
} as const;
