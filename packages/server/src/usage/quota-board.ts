import type { Clock } from '../platform/clock/index.ts';
import type { QuotaUse } from '../serving/index.ts';
import { dayOf } from './hours.ts';

/**
 * What of the daily quotas was used, as this process heard it last: what gateways begin with. Where several controls
 * share a database it may be behind by what the gateways of another have reported since; the first report of a gateway
 * is answered from the database.
 */
export interface QuotaBoard {
  note(used: readonly QuotaUse[]): void;
  today(): readonly QuotaUse[];
  /** When the day (UTC) began. */
  day(): number;
}

export function createQuotaBoard(clock: Clock): QuotaBoard {
  const known = new Map<string, QuotaUse>();
  let day = 0;
  const turn = (): number => {
    const today = dayOf(clock.now());
    if (today !== day) known.clear();
    day = today;
    return today;
  };
  return {
    note: (used) => {
      const today = turn();
      for (const use of used) if (use.day === today) known.set(`${use.endpoint} ${use.actor}`, use);
    },
    today: () => {
      turn();
      return [...known.values()];
    },
    day: turn,
  };
}
