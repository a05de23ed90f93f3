import type { Notification, NotificationEvent } from '@muster-ml/protocol';
import type { NewNotification } from './contract.ts';
import type { DeliveryRecord } from './delivery.ts';

/** What people are told, as it is kept. */
export interface NotificationRecord {
  /** Sorts by time; receivers tell by it what they have already. */
  readonly id: string;
  readonly event: NotificationEvent;
  readonly team: string | null;
  readonly endpoint: string | null;
  readonly title: string;
  readonly text: string;
  readonly at: number;
}

/** How long notifications are kept. */
export const keepMs = 90 * 86_400_000;

const maxTitleLength = 200;
const maxTextLength = 4000;

/** A notification as it is kept and sent: one line of title, bounded text, nothing that steers a terminal. Pure. */
export function notificationOf(
  { event, team, endpoint, title, text }: NewNotification,
  made: { readonly id: string; readonly at: number },
): NotificationRecord {
  return {
    ...made,
    event,
    team,
    endpoint: endpoint ?? null,
    title: shortened(title.replaceAll(/[\p{Cc}\p{Zl}\p{Zp}]+/gu, ' ').trim(), maxTitleLength),
    text: shortened(text.replaceAll('\r\n', '\n').replaceAll(/[^\P{Cc}\n\t]/gu, ' '), maxTextLength),
  };
}

/** Never ends within a character. */
function shortened(text: string, maxLength: number): string {
  return text.length <= maxLength ? text : `${text.slice(0, maxLength - 1).replace(/[\uD800-\uDBFF]$/, '')}…`;
}

export function renderNotification(
  { at, ...notification }: NotificationRecord,
  deliveries: readonly DeliveryRecord[],
): Notification {
  return {
    ...notification,
    at: new Date(at).toISOString(),
    deliveries: deliveries.map(({ channel, state, attempts, problem, deliveredAt }) => ({
      channel,
      state,
      attempts,
      problem,
      deliveredAt: deliveredAt === null ? null : new Date(deliveredAt).toISOString(),
    })),
  };
}
