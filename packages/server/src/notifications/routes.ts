import type { Handlers } from '../identity/index.ts';
import type { Notifications } from './notifications.ts';

/** Translates the management API into use cases. */
export function notificationRoutes(
  notifications: Pick<Notifications, 'list' | 'test'>,
): Handlers<'notificationList' | 'notificationTest'> {
  return {
    notificationList: async ({ caller, query }) => {
      const { items, next } = await notifications.list(caller, query);
      return { items: [...items], next };
    },
    notificationTest: async ({ caller }) => await notifications.test(caller),
  };
}
