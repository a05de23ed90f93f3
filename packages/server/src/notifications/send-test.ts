import type { Notification } from '@muster-ml/protocol';
import { type Caller, ledgerActor } from '../identity/index.ts';
import { addNotification } from './add-notification.ts';
import { renderNotification } from './notification.ts';
import type { NotificationParts } from './parts.ts';

/** Sends a test through every channel; how far each is, the list says. Throws `not_allowed`. */
export async function sendTest(parts: NotificationParts, caller: Caller): Promise<Notification> {
  const { database, store, identity, ledger, channels } = parts;
  const resource = { kind: 'installation', id: 'notifications' } as const;
  identity.authorize(caller, 'notification.test', resource);
  return await database.inTransaction(async (tx) => {
    const noted = await addNotification(parts, tx, {
      event: 'test',
      team: null,
      title: 'A test of notifications',
      text: `${caller.actor.name} asked for it. Nothing happened, and nothing is to be done.`,
    });
    const deliveries = await store.deliveries(tx, [noted.id]);
    await ledger.append(tx, {
      actor: ledgerActor(caller),
      action: 'notification.test',
      subject: resource,
      team: null,
      outcome: 'allowed',
      request: caller.requestId,
      ctx: { notification: noted.id, channels: channels.map(({ name }) => name) },
    });
    return renderNotification(noted, deliveries);
  });
}
