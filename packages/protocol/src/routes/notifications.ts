import { notificationQuerySchema, notificationSchema } from '../management/notifications.ts';
import { pageOf } from '../management/pages.ts';
import { route } from '../route.ts';

/** Routes over what was told to whom. */
export const notificationRoutes = {
  notificationList: route({
    method: 'GET',
    path: '/api/v1/notifications',
    action: 'notification.read',
    summary: 'What was told, and how far each channel is; newest first',
    query: notificationQuerySchema,
    answer: { status: 200, schema: pageOf(notificationSchema) },
  }),
  notificationTest: route({
    method: 'POST',
    path: '/api/v1/notifications/test',
    action: 'notification.test',
    summary: 'Sends a test through every channel',
    answer: { status: 202, schema: notificationSchema },
  }),
} as const;
