import type { Identity } from '../identity/index.ts';
import type { Clock } from '../platform/clock/index.ts';
import type { Database } from '../platform/database/index.ts';

/** What the use cases of this room work with. */
export interface InsightParts {
  readonly database: Database;
  readonly identity: Pick<Identity, 'scope'>;
  readonly clock: Pick<Clock, 'now'>;
}
