import { z } from 'zod';
import { slugSchema, timeSchema } from './names.ts';
import { pageQuerySchema } from './pages.ts';

/** What somebody may want to hear of. */
export const notificationEvents = [
  'standing.granted',
  'standing.lapsed',
  'standing.restored',
  'standing.ends-soon',
  'submission.waiting',
  'submission.decided',
  'waiver.requested',
  'waiver.decided',
  'use-case.proposed',
  'use-case.decided',
  'drill.failed',
  'probe.failed',
  'test',
] as const;

export type NotificationEvent = (typeof notificationEvents)[number];

export const notificationSchema = z.object({
  id: z.string(),
  event: z.enum(notificationEvents),
  team: slugSchema.nullable(),
  endpoint: slugSchema.nullable(),
  /** One line. */
  title: z.string(),
  /** What happened and what to do. */
  text: z.string(),
  at: timeSchema,
  /** How far each channel is. */
  deliveries: z.array(
    z.object({
      channel: z.string(),
      state: z.enum(['waiting', 'delivered', 'given up']),
      attempts: z.number().int(),
      problem: z.string().nullable(),
      deliveredAt: timeSchema.nullable(),
    }),
  ),
});

export type Notification = z.infer<typeof notificationSchema>;

export const notificationQuerySchema = z.strictObject({
  ...pageQuerySchema.shape,
  team: slugSchema.optional(),
  event: z.enum(notificationEvents).optional(),
});

/** Where Muster sends what happened by itself: encrypted, or to this machine. Credentials do not belong into an address. */
export const receiverUrlSchema = z
  .url()
  .max(2000)
  .regex(/^(https:\/\/|http:\/\/(127\.0\.0\.1|localhost|\[::1\])[:/])/, 'must be https, or http on this machine')
  .refine((url) => !/^https?:\/\/[^/?#]*@/.test(url), 'must not hold credentials');
