import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type Notification, notificationQuerySchema, notificationSchema } from '@muster-ml/protocol';

/** A server that knows what people were told and nothing else, from memory. */
export interface NotificationTwin {
  readonly url: string;
  readonly token: string;
  /** Queries as they came in. */
  readonly seen: Readonly<Record<string, unknown>>[];
  notifications: readonly Notification[];
  /** How a test of the channels is answered, and what the list says of it, look by look. */
  test: readonly Notification[];
  close(): Promise<void>;
}

export function twinDelivery(given: Partial<Notification['deliveries'][number]> = {}) {
  return {
    channel: 'mail',
    state: 'delivered' as const,
    attempts: 1,
    problem: null,
    deliveredAt: '2026-11-01T00:00:01.000Z',
    ...given,
  };
}

export function twinNotification(given: Partial<Notification> = {}): Notification {
  return notificationSchema.parse({
    id: 'n1',
    event: 'standing.lapsed',
    team: 'risk',
    endpoint: 'fraud',
    title: 'fraud lapsed',
    text: 'Nobody owns it.',
    at: '2026-11-01T00:00:00.000Z',
    deliveries: [twinDelivery()],
    ...given,
  });
}

export async function startNotificationTwin(): Promise<NotificationTwin> {
  let looks = 0;
  const tested = (): readonly Notification[] => twin.test.slice(0, looks).slice(-1);
  const answer = (method: string, url: URL): unknown => {
    looks += 1;
    if (method === 'POST') return tested()[0];
    const query = notificationQuerySchema.parse(Object.fromEntries(url.searchParams));
    twin.seen.push({ ...query });
    const items = [...tested(), ...twin.notifications].filter(({ event }) => (query.event ?? event) === event);
    return { items: items.slice(0, query.limit) };
  };
  const server = createServer((request, response) => {
    const { method = '', url = '/' } = request;
    response.writeHead(method === 'POST' ? 202 : 200, { 'content-type': 'application/json' });
    response.end(JSON.stringify(answer(method, new URL(url, 'http://twin'))));
  });
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  const twin: NotificationTwin = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    token: 'twin-token-1234567890',
    seen: [],
    notifications: [],
    test: [],
    close: async () => {
      server.closeAllConnections();
      await new Promise<void>((resolve) => void server.close(() => resolve()));
    },
  };
  return twin;
}
