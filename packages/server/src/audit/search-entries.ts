import { type AuditEntry, type AuditQuery, MusterError, type Page } from '@muster-ml/protocol';
import type { Caller } from '../identity/index.ts';
import type { EntryFilter } from '../ledger/index.ts';
import { actorsIn, readEntry, renderEntry } from './entry.ts';
import type { AuditParts } from './parts.ts';
import { visibleIn } from './visibility.ts';

/** Entries that the caller may see, newest first; the cursor is the number of the last one. Throws `invalid_request`. */
export async function searchEntries(
  parts: Pick<AuditParts, 'identity' | 'records'>,
  caller: Caller,
  query: AuditQuery,
): Promise<Page<AuditEntry>> {
  const filter = await filterOf(parts.identity, caller, query);
  const found = await parts.records.search(filter, { before: seqIn(query.after), limit: query.limit + 1 });
  const shown = found.slice(0, query.limit).map(readEntry);
  const names = await parts.identity.namesOf([...new Set(shown.flatMap(actorsIn))]);
  const items = shown.map((entry) => renderEntry(entry, names));
  const last = shown.at(-1);
  return found.length > query.limit && last !== undefined ? { items, next: String(last.seq) } : { items };
}

async function filterOf(identity: AuditParts['identity'], caller: Caller, query: AuditQuery): Promise<EntryFilter> {
  const { actor, action, subject, outcome } = query;
  const [from, until] = [millisecondsOf(query.from), millisecondsOf(query.until)];
  if (from !== undefined && until !== undefined && until <= from)
    throw new MusterError('invalid_request', 'query.until: is not after query.from', { place: 'query.until' });
  const slash = subject?.indexOf('/');
  return {
    actor: actor === undefined ? undefined : await actorIn(identity, actor),
    action,
    subjectKind: subject?.slice(0, slash),
    subjectId: slash === undefined ? undefined : subject?.slice(slash + 1),
    outcome,
    from,
    until,
    visible: visibleIn(identity.scope(caller, 'audit.read')),
  };
}

/** Whom a filter means, by id or name. Nobody of that name finds nothing, as somebody without visible entries does. */
async function actorIn(identity: AuditParts['identity'], reference: string): Promise<string> {
  return await identity.actorId(reference).catch((error: unknown) => {
    if (error instanceof MusterError && error.code === 'actor_not_found') return reference;
    throw error;
  });
}

function millisecondsOf(time: string | undefined): number | undefined {
  return time === undefined ? undefined : Date.parse(time);
}

function seqIn(cursor: string | undefined): number | undefined {
  if (cursor === undefined) return undefined;
  if (/^\d{1,15}$/.test(cursor)) return Number(cursor);
  throw new MusterError('invalid_request', 'query.after: is not a cursor that this list gave', {
    place: 'query.after',
  });
}
