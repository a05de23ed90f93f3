import type { Deployments } from '../deployments/index.ts';
import type { Caller, EndpointToken, Identity } from '../identity/index.ts';
import type { Ledger } from '../ledger/index.ts';
import type { Notify } from '../notifications/index.ts';
import type { Clock, NewId } from '../platform/clock/index.ts';
import type { Database } from '../platform/database/index.ts';
import type { ObjectStore } from '../platform/objects/index.ts';
import type { Operations } from '../platform/operations/index.ts';
import type { DrillHold, RecordEvidence } from '../readiness/index.ts';
import type { RunnerEnder, RuntimeHost } from '../runners/index.ts';
import type { StartLoad } from './load/load-thread.ts';

/** Tokens for load: each calls one endpoint, for a short time, and is ended. */
export interface DrillTokens {
  make(
    caller: Caller,
    wish: {
      readonly endpoint: { readonly name: string; readonly team: string };
      readonly note: string;
      readonly lifeMs: number;
    },
  ): Promise<EndpointToken>;
  end(caller: Caller, id: string, team: string): Promise<void>;
}

/** What the use cases of this room work with. */
export interface DrillParts {
  readonly database: Database;
  readonly identity: Pick<Identity, 'authorize' | 'actorById' | 'namesOf'>;
  readonly ledger: Ledger;
  readonly operations: Operations;
  readonly deployments: Pick<
    Deployments,
    'getEndpoint' | 'servedEndpoint' | 'deploy' | 'rollback' | 'restartReplicas'
  > & { readonly reconciler: Pick<Deployments['reconciler'], 'expectDeath'> };
  readonly runtimeHost: Pick<RuntimeHost, 'observed'> & RunnerEnder;
  readonly objects: Pick<ObjectStore, 'localFile'>;
  readonly tokens: DrillTokens;
  readonly hold: DrillHold;
  readonly recordEvidence: RecordEvidence;
  readonly notify: Notify;
  /** Where load goes, and the file of the certificate that the gateway there shows, where it is its own. */
  readonly gateway: { readonly url: string; readonly certificateFile: string | undefined };
  readonly startLoad: StartLoad;
  readonly clock: Clock;
  readonly newId: NewId;
  /** How often it is looked whether a drill is due. */
  readonly lookMs: number;
  /** Hears of what was not foreseen. */
  readonly onError: (error: unknown) => void;
}

/** What a drill that runs works with besides. */
export interface RunParts extends DrillParts {
  /** Whether control is going down: then a drill is no cancelled one, and the next start puts back what was live. */
  readonly isDraining: () => boolean;
}
