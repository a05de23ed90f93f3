import type { Deployments } from '../deployments/index.ts';
import type { Identity } from '../identity/index.ts';
import type { Clock } from '../platform/clock/index.ts';
import type { Database } from '../platform/database/index.ts';
import type { UsageStore } from './store.ts';

/** What the use cases of this room work with. */
export interface UsageParts {
  readonly database: Database;
  readonly store: UsageStore;
  readonly deployments: Pick<Deployments, 'servedEndpoint'>;
  readonly identity: Pick<Identity, 'namesOf'>;
  readonly clock: Clock;
}
