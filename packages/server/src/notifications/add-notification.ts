import type { Tx } from '../platform/database/index.ts';
import { wants } from './channel.ts';
import type { NewNotification } from './contract.ts';
import { type NotificationRecord, notificationOf } from './notification.ts';
import type { NotificationParts } from './parts.ts';

/** Notes what people are to be told, and for which channels, in the transaction of what happened. */
export async function addNotification(
  { store, clock, newId, channels, wake }: Pick<NotificationParts, 'store' | 'clock' | 'newId' | 'channels' | 'wake'>,
  tx: Tx,
  notification: NewNotification,
): Promise<NotificationRecord> {
  const noted = notificationOf(notification, { id: newId(), at: clock.now() });
  const wanting = channels.filter((channel) => wants(channel, noted.event));
  await store.add(
    tx,
    noted,
    wanting.map(({ name }) => name),
  );
  wake();
  return noted;
}
