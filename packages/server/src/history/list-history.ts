import { type HistoryInterval, type HistoryQuery, MusterError, type Page } from '@muster-ml/protocol';
import type { Caller } from '../identity/index.ts';
import { cursorOf, readCursor } from './cursor.ts';
import { actorsIn, renderInterval } from './interval.ts';
import type { HistoryParts } from './parts.ts';
import { findIntervals } from './store.ts';

/**
 * What had traffic, newest first: at a moment, or over a time. Endpoints that are deleted belong to it for who sees their
 * team. Throws `invalid_request`.
 */
export async function listHistory(
  { database, identity }: Pick<HistoryParts, 'database' | 'identity'>,
  caller: Caller,
  query: HistoryQuery,
): Promise<Page<HistoryInterval>> {
  const { endpoint, model, version, limit } = query;
  if (version !== undefined && model === undefined) refuse('version', 'is a version of a model: name the model');
  const after = query.after === undefined ? undefined : readCursor(query.after, 'number');
  const filter = { ...timesOf(query), endpoint, model, version, after };
  const rows = await findIntervals(database, identity.scope(caller, 'history.read'), filter, limit + 1);
  const shown = rows.slice(0, limit);
  const names = await identity.namesOf(actorsIn(shown));
  const items = shown.map((row) => renderInterval(row, names));
  const last = shown.at(-1);
  return rows.length > limit && last !== undefined ? { items, next: cursorOf(last.from_at, last.id) } : { items };
}

/** The time that is asked about, as `[from, until)`; a moment is the shortest. */
function timesOf({ at, from, until }: HistoryQuery): { readonly from?: number; readonly until?: number } {
  if (at !== undefined) {
    if (from !== undefined || until !== undefined) refuse('at', 'is one moment: leave out from and until');
    return { from: Date.parse(at), until: Date.parse(at) + 1 };
  }
  const times = {
    ...(from === undefined ? {} : { from: Date.parse(from) }),
    ...(until === undefined ? {} : { until: Date.parse(until) }),
  };
  if (times.from !== undefined && times.until !== undefined && times.until <= times.from)
    refuse('until', 'is not after query.from');
  return times;
}

function refuse(field: 'at' | 'until' | 'version', why: string): never {
  throw new MusterError('invalid_request', `query.${field}: ${why}`, { place: `query.${field}` });
}
