import type { Identity } from '../identity/index.ts';
import type { Ledger } from '../ledger/index.ts';
import type { Notify } from '../notifications/index.ts';
import type { Clock, NewId } from '../platform/clock/index.ts';
import type { Database } from '../platform/database/index.ts';
import type { Registry } from '../registry/index.ts';
import type { Standings } from '../standing/index.ts';

/** What the use cases of this room work with. */
export interface ReadinessParts {
  readonly database: Database;
  readonly identity: Pick<Identity, 'authorize' | 'scope' | 'namesOf' | 'accessChanged'>;
  readonly ledger: Ledger;
  readonly standings: Pick<Standings, 'of' | 'change'>;
  readonly registry: Pick<Registry, 'getVersion' | 'modelTeam'>;
  readonly notify: Notify;
  readonly environment: string;
  readonly clock: Clock;
  readonly newId: NewId;
  /** Has standings judged soon; called after a commit. */
  readonly poke: () => void;
}
