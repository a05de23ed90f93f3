import type { TimeToProduction } from '@muster-ml/protocol';
import type { Caller } from '../identity/index.ts';
import type { InsightParts } from './parts.ts';
import { type TimeQuery, readTime } from './read-time.ts';

/** How things go. What each use case throws is said where it is written. */
export interface Insights {
  time(caller: Caller, query: TimeQuery): Promise<TimeToProduction>;
}

export function createInsights(parts: InsightParts): Insights {
  return {
    time: async (caller, query) => await readTime(parts, caller, query),
  };
}
