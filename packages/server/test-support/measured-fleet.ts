import { fleetOrders, judge } from '@muster-ml/protocol';
import { sql } from 'kysely';
import type { Deployments } from '../src/deployments/index.ts';
import { createHistory } from '../src/history/index.ts';
import { createInsights } from '../src/insights/index.ts';
import type { Database } from '../src/platform/database/index.ts';
import { loadFacts } from '../src/readiness/index.ts';
import { createUsage } from '../src/usage/index.ts';
import { openTestDatabase } from './database.ts';
import { writeYear } from './fleet-year.ts';
import { callerWith, decidingIdentity } from './identity.ts';

/** A fleet with a year behind it, whose overviews the benchmark measures: each answers milliseconds, over all endpoints. */
export interface MeasuredFleet {
  readonly endpoints: number;
  /** The verdict of every endpoint, from all facts. */
  assessMs(): Promise<number>;
  /** All pages of the fleet list. */
  listMs(): Promise<number>;
  /** The report of the time to production. */
  reportMs(): Promise<number>;
  close(): Promise<void>;
}

const pageSize = 100;

/** Writes the year of so many endpoints into an empty database. Throws where an overview does not hold all of them. */
export async function openMeasuredFleet(kind: Database['kind'], endpoints: number): Promise<MeasuredFleet> {
  const test = await openTestDatabase(kind);
  const { database } = test;
  const now = Date.now();
  const clock = { now: () => now, after: () => () => undefined };
  const identity = decidingIdentity();
  const everything = callerWith({ id: 'auditor', platformRoles: ['auditor', 'admin'] });
  await writeYear(database, endpoints, now);
  // PostgreSQL does so by itself within a minute of so many rows; a year does not come in a second.
  if (kind === 'postgresql') await sql`analyze`.execute(database.reader);
  const noDeployments: Pick<Deployments, 'servedEndpoint'> = {
    servedEndpoint: async () => await Promise.reject(new Error('the fleet list asks for no endpoint by itself')),
  };
  const usage = createUsage({ database, deployments: noDeployments, identity, clock });
  const history = createHistory({ database, identity, usage: async (hours) => await usage.endpointUse(hours) });
  const insights = createInsights({ database, identity, clock });

  async function timed(count: () => Promise<number>): Promise<number> {
    const startMs = performance.now();
    const counted = await count();
    const ms = performance.now() - startMs;
    if (counted !== endpoints) throw new Error(`${counted} of ${endpoints} endpoints were seen`);
    return ms;
  }

  return {
    endpoints,
    assessMs: async () =>
      await timed(async () => {
        const { reader } = database;
        const rows = await reader
          .withTables<{ endpoint: { id: string } }>()
          .selectFrom('endpoint')
          .select('id')
          .execute();
        const ids = rows.map(({ id }) => id);
        const loaded = [...(await loadFacts(reader, ids, { environment: 'prod', now })).values()];
        // What lacks something is judged more quickly: all of it is there but the approval, which is bound to digests.
        const judged = loaded.map(({ facts }) => judge(facts, { without: ['R19'] }));
        return judged.filter(({ holds }) => holds).length;
      }),
    listMs: async () =>
      await timed(async () => {
        let count = 0;
        let after: string | undefined;
        do {
          const query = { limit: pageSize, sort: fleetOrders[0], ...(after === undefined ? {} : { after }) };
          const page = await history.listFleet(everything, query);
          count += page.items.length;
          after = page.next;
        } while (after !== undefined);
        return count;
      }),
    reportMs: async () =>
      await timed(async () => {
        const { all, waitingCount } = await insights.time(everything, {});
        return all.total.count + waitingCount;
      }),
    close: async () => await test.close(),
  };
}
