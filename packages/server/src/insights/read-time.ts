import { MusterError, type TimeToProduction, type timeQuerySchema } from '@muster-ml/protocol';
import type { z } from 'zod';
import type { Caller } from '../identity/index.ts';
import type { InsightParts } from './parts.ts';
import { loadRoads } from './store.ts';
import { timeReport } from './time-report.ts';

export type TimeQuery = z.output<typeof timeQuerySchema>;

/**
 * Time to production of the endpoints that the caller sees, where it is lost, and what waits now. Four queries, however
 * many endpoints there are. Throws `invalid_request`.
 */
export async function readTime(parts: InsightParts, caller: Caller, query: TimeQuery): Promise<TimeToProduction> {
  const filter = { team: query.team, from: msOf(query.from), until: msOf(query.until) };
  if (filter.from !== undefined && filter.until !== undefined && filter.until <= filter.from)
    throw new MusterError('invalid_request', 'query.until: is not after query.from', { place: 'query.until' });
  const roads = await loadRoads(parts.database, parts.identity.scope(caller, 'insights.read'));
  return timeReport(roads, filter, parts.clock.now());
}

function msOf(time: string | undefined): number | undefined {
  return time === undefined ? undefined : Date.parse(time);
}
