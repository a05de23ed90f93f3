import type { Deployments } from '../deployments/index.ts';
import type { Identity } from '../identity/index.ts';
import type { Ledger } from '../ledger/index.ts';
import type { Clock } from '../platform/clock/index.ts';
import type { Database } from '../platform/database/index.ts';
import type { ProbeRules } from './probe-address.ts';
import type { ObservedStore } from './store.ts';

/** What the use cases of this room work with. */
export interface ObservingParts {
  readonly database: Database;
  readonly store: ObservedStore;
  readonly identity: Pick<Identity, 'authorize' | 'scope'>;
  readonly ledger: Ledger;
  readonly deployments: Pick<Deployments, 'observeEndpoint' | 'changeObservedEndpoint'>;
  readonly clock: Clock;
  readonly rules: ProbeRules;
  /** Called after a commit that set a probe: it is looked at now. */
  readonly wake: () => void;
}
