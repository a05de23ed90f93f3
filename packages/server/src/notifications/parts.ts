import type { Identity } from '../identity/index.ts';
import type { Ledger } from '../ledger/index.ts';
import type { Clock, NewId } from '../platform/clock/index.ts';
import type { Database } from '../platform/database/index.ts';
import type { Channel } from './channel.ts';
import type { NotificationStore } from './store.ts';

/** What the use cases of this room work with. */
export interface NotificationParts {
  readonly database: Database;
  readonly store: NotificationStore;
  readonly identity: Pick<Identity, 'authorize' | 'scope'>;
  readonly ledger: Ledger;
  readonly clock: Clock;
  readonly newId: NewId;
  readonly channels: readonly Channel[];
  /** Called once something waits to be delivered, which may be before its commit. */
  readonly wake: () => void;
}
