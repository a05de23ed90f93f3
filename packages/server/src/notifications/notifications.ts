import type { Notification, Page } from '@muster-ml/protocol';
import type { Caller } from '../identity/index.ts';
import { addNotification } from './add-notification.ts';
import type { Notify } from './contract.ts';
import { Deliverer, type DelivererParts } from './deliverer.ts';
import { retryDelaysMs } from './delivery.ts';
import type { DeliveryTiming } from './lane.ts';
import { type NotificationQuery, listNotifications } from './list-notifications.ts';
import { keepMs } from './notification.ts';
import type { NotificationParts } from './parts.ts';
import { sendTest } from './send-test.ts';
import { notificationStore } from './store.ts';

/** Tells people what happened: noted with what happened, delivered after its commit. */
export interface Notifications {
  /** Part of the transaction that it tells of. */
  readonly notify: Notify;
  list(caller: Caller, query: NotificationQuery): Promise<Page<Notification>>;
  /** Sends a test through every channel. Throws `not_allowed`. */
  test(caller: Caller): Promise<Notification>;
  /** Begins to deliver, also what was left by an earlier run. */
  start(): Promise<void>;
  stop(): Promise<void>;
  /** Removes what is older than 90 days. */
  sweep(): Promise<void>;
}

const usualTiming: DeliveryTiming = {
  timeoutMs: 10_000,
  retryDelaysMs,
  lookMs: 1000,
  soonMs: 25,
  drainMs: 2000,
  mostAtOnce: 2,
};

/** Puts the room together; nothing is sent before `start`. `timing` is for tests. */
export function createNotifications(
  given: Omit<NotificationParts, 'store' | 'wake'> &
    Pick<DelivererParts, 'onError'> & { readonly timing?: Partial<DeliveryTiming> },
): Notifications {
  const { database, clock } = given;
  const store = notificationStore;
  const deliverer = new Deliverer({ ...given, store, timing: { ...usualTiming, ...given.timing } });
  const parts: NotificationParts = { ...given, store, wake: () => deliverer.wake() };
  return {
    notify: async (tx, notification) => void (await addNotification(parts, tx, notification)),
    list: async (caller, query) => await listNotifications(parts, caller, query),
    test: async (caller) => await sendTest(parts, caller),
    start: async () => await deliverer.start(),
    stop: async () => await deliverer.stop(),
    sweep: async () => await database.inTransaction(async (tx) => await store.removeBefore(tx, clock.now() - keepMs)),
  };
}
