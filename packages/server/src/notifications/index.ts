export type { NewNotification, Notify } from './contract.ts';
export { type Notifications, createNotifications } from './notifications.ts';
export { readChannels } from './read-channels.ts';
export { notificationRoutes } from './routes.ts';
