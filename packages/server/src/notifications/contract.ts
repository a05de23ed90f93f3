import type { NotificationEvent } from '@muster-ml/protocol';
import type { Tx } from '../platform/database/index.ts';

export interface NewNotification {
  readonly event: NotificationEvent;
  /** Whose it is; null: the installation's. */
  readonly team: string | null;
  /** Name of the endpoint that it is about. */
  readonly endpoint?: string | undefined;
  /** One line. */
  readonly title: string;
  /** What happened and what to do. Never a secret, never a row. */
  readonly text: string;
}

/** Tells people, once the transaction is committed: what is noted in it is delivered, and what is rolled back is not. */
export type Notify = (tx: Tx, notification: NewNotification) => Promise<void>;
