import type { Notification } from '@muster-ml/protocol';

/** How far a channel is with a notification. */
export interface DeliveryRecord {
  /** Id of the notification. */
  readonly notification: string;
  /** Name of the channel. */
  readonly channel: string;
  readonly state: Notification['deliveries'][number]['state'];
  /** Those that began. */
  readonly attempts: number;
  /** When it is tried next, while it waits. */
  readonly nextAt: number;
  /** Why the last attempt failed, or what was wrong with it though it did not. */
  readonly problem: string | null;
  readonly deliveredAt: number | null;
}

/** How an attempt ended. `final`: nobody is there any more, so it is not tried again. */
export type Sent =
  | { readonly ok: true; readonly problem?: string | undefined }
  | { readonly ok: false; readonly problem: string; readonly final?: boolean | undefined };

/** What is waited after each attempt that fails; after the last of them it is given up. */
export const retryDelaysMs = [
  5000,
  30_000,
  2 * 60_000,
  10 * 60_000,
  3_600_000,
  6 * 3_600_000,
  24 * 3_600_000,
] as const satisfies readonly number[];

const maxProblemLength = 300;

/** What becomes of a delivery by an attempt that has ended. `attempts` counts it already. Pure. */
export function afterAttempt(
  before: DeliveryRecord,
  sent: Sent,
  now: number,
  delaysMs: readonly number[] = retryDelaysMs,
): DeliveryRecord {
  const problem = sent.problem?.slice(0, maxProblemLength) ?? null;
  if (sent.ok) return { ...before, state: 'delivered', problem, deliveredAt: now };
  const delayMs = delaysMs[before.attempts - 1];
  if (sent.final === true || delayMs === undefined) return { ...before, state: 'given up', problem };
  return { ...before, problem, nextAt: now + delayMs };
}
