import type { Deployments } from '../deployments/index.ts';
import type { Identity } from '../identity/index.ts';
import type { Ledger } from '../ledger/index.ts';
import type { Clock } from '../platform/clock/index.ts';
import type { Database } from '../platform/database/index.ts';
import type { ObjectStore } from '../platform/objects/index.ts';
import type { Operations } from '../platform/operations/index.ts';
import type { Registry } from '../registry/index.ts';
import type { ConfiguredServer } from './mlflow-servers.ts';
import type { FollowStore } from './store.ts';

/** What the use cases of this room work with. */
export interface FollowingParts {
  readonly database: Database;
  readonly objects: Pick<ObjectStore, 'put'>;
  readonly ledger: Ledger;
  readonly identity: Identity;
  readonly operations: Pick<Operations, 'watch'>;
  readonly registry: Pick<Registry, 'createModel' | 'registerVersion' | 'listVersions' | 'getVersion'>;
  readonly deployments: Pick<Deployments, 'getEndpoint' | 'endpointTeam' | 'deploy'>;
  readonly store: FollowStore;
  readonly clock: Clock;
  readonly servers: readonly ConfiguredServer[];
  /** Between two looks at an alias, in milliseconds. */
  readonly everyMs: number;
  /** Largest copy. */
  readonly maxModelBytes: number;
  readonly softwareVersion: string;
  /** Hears of failures that are not a follow's own. */
  readonly onError: (error: unknown) => void;
}
