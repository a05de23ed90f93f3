import type { NotificationEvent } from '@muster-ml/protocol';
import type { Sent } from './delivery.ts';
import type { NotificationRecord } from './notification.ts';

/** A way to people. */
export interface Channel {
  /** Names it for people and in the database: the same after every start, and never a secret. */
  readonly name: string;
  /** What it wants to hear of; undefined: everything. */
  readonly events: readonly NotificationEvent[] | undefined;
  /** Tries once. Throws only what `signal` was ended with, or what was not foreseen. */
  send(notification: NotificationRecord, attempt: Attempt): Promise<Sent>;
}

export interface Attempt {
  /** When it is made, which receivers check against their clocks. */
  readonly at: number;
  /** Ends it: its time is up, or Muster stops. */
  readonly signal: AbortSignal;
}

/** A test reaches every channel: it is asked whether they work. */
export function wants({ events }: Pick<Channel, 'events'>, event: NotificationEvent): boolean {
  return event === 'test' || events === undefined || events.includes(event);
}

/** Of a thing that sends: what it was, for the one who reads it. */
export interface Sender {
  /** Name of the environment that this installation is. */
  readonly environment: string;
  readonly userAgent: string;
}
