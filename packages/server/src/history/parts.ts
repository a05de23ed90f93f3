import type { Identity } from '../identity/index.ts';
import type { Database } from '../platform/database/index.ts';

/** How an endpoint was used, by its name and the team that owned it then. */
export interface EndpointUsage {
  readonly endpoint: string;
  readonly team: string;
  readonly requests: number;
  readonly errors: number;
  /** Different callers. */
  readonly callers: number;
}

/** Counts how every endpoint was used in the last hours; those without any may be missing. */
export type UsageOfHours = (hours: number) => Promise<readonly EndpointUsage[]>;

/** What the use cases of this room work with. */
export interface HistoryParts {
  readonly database: Database;
  readonly identity: Pick<Identity, 'scope' | 'namesOf'>;
  /** Absent where nobody counts it: then it is unknown, not zero. */
  readonly usage?: UsageOfHours | undefined;
}
