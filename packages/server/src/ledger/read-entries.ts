import type { Database } from '../platform/database/index.ts';
import type { EntryFilter, LedgerRecords, StoredEntry } from './contract.ts';
import type { LedgerTables } from './tables.ts';

const batchEntries = 1000;

/** Reading what was appended: a page of a search, and all of it. Each batch is one short read. */
export function readEntries(database: Database): Pick<LedgerRecords, 'search' | 'all'> {
  const reader = database.reader.withTables<LedgerTables>();
  return {
    async search(filter, page) {
      return await matching(filter)
        .$if(page.before !== undefined, (query) => query.where('seq', '<', page.before ?? 0))
        .orderBy('seq', 'desc')
        .limit(page.limit)
        .execute();
    },
    async *all(from): AsyncGenerator<readonly StoredEntry[]> {
      for (let next = from; ;) {
        const batch = await reader
          .selectFrom('ledger_entry')
          .select(['seq', 'body'])
          .where('seq', '>=', next)
          .orderBy('seq')
          .limit(batchEntries)
          .execute();
        const last = batch.at(-1);
        if (last === undefined) return;
        yield batch;
        next = last.seq + 1;
      }
    },
  };

  function matching(filter: EntryFilter) {
    const wanted = [
      ['actor_id', '=', filter.actor],
      ['action', '=', filter.action],
      ['subject_kind', '=', filter.subjectKind],
      ['subject_id', '=', filter.subjectId],
      ['outcome', '=', filter.outcome],
      ['at', '>=', filter.from],
      ['at', '<', filter.until],
    ] as const;
    let query = reader.selectFrom('ledger_entry').select(['seq', 'body']);
    for (const [column, operator, value] of wanted) {
      if (value !== undefined) query = query.where(column, operator, value);
    }
    const { visible } = filter;
    if (visible === '*') return query;
    return query.where((where) =>
      where.or([
        // Not their refusals: an entry about what does not exist for them would say that it does.
        where.and([where('actor_id', '=', visible.actor), where('outcome', '!=', 'denied')]),
        ...(visible.teams.length === 0 ? [] : [where('team_id', 'in', visible.teams)]),
      ]),
    );
  }
}
