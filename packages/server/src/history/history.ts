import type { FleetEndpoint, FleetQuery, HistoryInterval, HistoryQuery, Page } from '@muster-ml/protocol';
import type { Caller } from '../identity/index.ts';
import { listFleet } from './list-fleet.ts';
import { listHistory } from './list-history.ts';
import type { HistoryParts } from './parts.ts';

/** What is live, and what was. What each use case throws is said where it is written. */
export interface History {
  listHistory(caller: Caller, query: HistoryQuery): Promise<Page<HistoryInterval>>;
  listFleet(caller: Caller, query: FleetQuery): Promise<Page<FleetEndpoint>>;
}

export function createHistory(parts: HistoryParts): History {
  return {
    listHistory: async (caller, query) => await listHistory(parts, caller, query),
    listFleet: async (caller, query) => await listFleet(parts, caller, query),
  };
}
