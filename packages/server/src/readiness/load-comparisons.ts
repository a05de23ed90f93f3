import type { ComparisonFacts } from '@muster-ml/protocol';
import { type Kysely, sql } from 'kysely';
import type { Judged } from './load-deployments.ts';
import type { FactTables } from './read-tables.ts';

const hourMs = 3_600_000;

/**
 * Times in which the judged versions were canary or shadow, with the requests of the hours that overlap: for a canary those
 * that it answered, for a shadow those of the endpoint, of which it got copies. The first version of an endpoint has
 * nothing to be compared with. Two queries, which read the hours of these times only.
 */
export async function loadComparisons(
  reader: Kysely<unknown>,
  deployments: ReadonlyMap<string, Judged>,
): Promise<ReadonlyMap<string, readonly ComparisonFacts[]>> {
  const compared = [...deployments].flatMap(([id, { judged, isFirst }]) =>
    judged === undefined || isFirst ? [] : [id],
  );
  if (compared.length === 0) return new Map();
  const db = reader.withTables<FactTables>();
  const rows = await db
    .selectFrom('endpoint_history')
    .select(['id', 'endpoint', 'model', 'version', 'role', 'from_at', 'until_at'])
    .where('endpoint', 'in', compared)
    .where('role', 'in', ['canary', 'shadow'])
    .orderBy('from_at')
    .execute();
  const intervals = rows.filter(({ endpoint, model, version }) => {
    const judged = deployments.get(endpoint)?.judged;
    return judged?.model === model && judged.version === version;
  });
  if (intervals.length === 0) return new Map();
  const counts = await db
    .selectFrom('endpoint_history as time')
    .innerJoin('usage_hour', (join) =>
      join
        .onRef('usage_hour.endpoint', '=', 'time.name')
        .on(sql`usage_hour.hour`, '>=', sql`time.from_at - ${sql.lit(hourMs)}`)
        .on((eb) => eb.or([eb('time.until_at', 'is', null), eb('usage_hour.hour', '<', eb.ref('time.until_at'))]))
        .onRef('usage_hour.last_at', '>=', 'time.from_at')
        .on((eb) =>
          eb.or([
            eb('time.role', '=', 'shadow'),
            eb.and([
              eb('usage_hour.model', '=', eb.ref('time.model')),
              eb('usage_hour.version', '=', sql<string>`cast(time.version as text)`),
            ]),
          ]),
        ),
    )
    .select((eb) => [
      'time.id',
      eb.fn.sum<number | string>('usage_hour.requests').as('requests'),
      eb.fn.sum<number | string>('usage_hour.server_errors').as('errors'),
    ])
    .where(
      'time.id',
      'in',
      intervals.map(({ id }) => id),
    )
    .groupBy('time.id')
    .execute();
  const countOf = new Map(counts.map((count) => [count.id, count]));
  const facts = intervals.flatMap(({ id, endpoint, role, from_at: from, until_at: until }) => {
    if (role === 'live') return [];
    const count = countOf.get(id);
    const comparison: ComparisonFacts = {
      role,
      from,
      until,
      requests: Number(count?.requests ?? 0),
      errors: Number(count?.errors ?? 0),
    };
    return [{ endpoint, comparison }];
  });
  return new Map(
    [...Map.groupBy(facts, ({ endpoint }) => endpoint)].map(([id, all]) => [
      id,
      all.map(({ comparison }) => comparison),
    ]),
  );
}
