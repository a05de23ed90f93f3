import type { Identity } from '../identity/index.ts';
import type { Deployments } from '../deployments/index.ts';
import type { Ledger } from '../ledger/index.ts';
import type { Clock, NewId } from '../platform/clock/index.ts';
import type { Database } from '../platform/database/index.ts';
import type { ObjectStore } from '../platform/objects/index.ts';
import type { Operations } from '../platform/operations/index.ts';
import type { RefuseUncagedPython } from '../registry/index.ts';
import type { RuntimeHost } from '../runners/index.ts';
import type { SecretUses } from '../secrets/index.ts';
import type { ScoreStore } from './store.ts';

/** What the use cases of this room work with. */
export interface ScoringParts {
  readonly database: Database;
  readonly store: ScoreStore;
  readonly objects: Pick<ObjectStore, 'hold' | 'read' | 'localFile' | 'put'>;
  readonly deployments: Pick<Deployments, 'servedEndpoint'>;
  readonly refuseUncagedPython: RefuseUncagedPython;
  readonly secrets: Pick<SecretUses, 'values'>;
  readonly identity: Identity;
  readonly ledger: Ledger;
  readonly operations: Operations;
  /** Runners of this room only. */
  readonly runtimeHost: RuntimeHost;
  readonly clock: Clock;
  readonly newId: NewId;
  /** Folder for what running scores have written so far. */
  readonly folder: string;
  readonly softwareVersion: string;
  /** Scores that run at the same time; the others wait. */
  readonly atOnce?: number | undefined;
  /** Hears of what was not foreseen. */
  readonly onError: (error: unknown) => void;
}
