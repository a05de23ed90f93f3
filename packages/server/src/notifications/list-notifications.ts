import type { Notification, Page, notificationQuerySchema } from '@muster-ml/protocol';
import type { z } from 'zod';
import type { Caller } from '../identity/index.ts';
import { renderNotification } from './notification.ts';
import type { NotificationParts } from './parts.ts';

export type NotificationQuery = z.output<typeof notificationQuerySchema>;

/** What the caller may hear of, newest first; the cursor is the last id. What is of no team is for who sees every team. */
export async function listNotifications(
  { database, store, identity }: Pick<NotificationParts, 'database' | 'store' | 'identity'>,
  caller: Caller,
  { team, event, after, limit }: NotificationQuery,
): Promise<Page<Notification>> {
  const scope = identity.scope(caller, 'notification.read');
  const found = await store.page(database.reader, { scope, team, event, before: after, limit: limit + 1 });
  const shown = found.slice(0, limit);
  const deliveries = await store.deliveries(
    database.reader,
    shown.map(({ id }) => id),
  );
  const byNotification = Map.groupBy(deliveries, ({ notification }) => notification);
  const items = shown.map((notification) =>
    renderNotification(notification, byNotification.get(notification.id) ?? []),
  );
  const last = found.length > limit ? shown.at(-1) : undefined;
  return last === undefined ? { items } : { items, next: last.id };
}
