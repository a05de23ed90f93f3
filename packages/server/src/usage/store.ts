import type { UsageTotals } from '@muster-ml/protocol';
import { type Kysely, type RawBuilder, sql } from 'kysely';
import type { Database, Tx } from '../platform/database/index.ts';
import type { QuotaUse, UsageCount, UsageReport } from '../serving/index.ts';
import type { EndpointUse } from './usage.ts';

/** The tables of this room, as sql/0009-usage.sql makes them. */
type UsageTables = {
  usage_hour: {
    endpoint: string;
    hour: number;
    team: string;
    actor: string;
    model: string;
    version: string;
    requests: number;
    client_errors: number;
    server_errors: number;
    refused: number;
    row_count: number;
    run_ms: number;
    last_at: number;
  };
  usage_quota: { day: number; endpoint: string; actor: string; requests: number };
  usage_stream: { stream: string; sequence: number; reported_at: number };
};

/** The calls of one actor that one version answered. */
export interface CallerUse extends UsageTotals {
  readonly actor: string;
  readonly model: string;
  readonly version: string;
  readonly lastAt: number;
}

export interface UsageStore {
  /** Adds a report, unless one of its stream with this number or a higher was added. */
  add(tx: Tx, report: UsageReport, now: number): Promise<void>;
  /** What is used of these quotas; 0 where nothing is. */
  quotasUsed(tx: Tx, quotas: readonly QuotaUse[]): Promise<readonly QuotaUse[]>;
  quotasOfDay(day: number): Promise<readonly QuotaUse[]>;
  /** Calls of an endpoint, while the team owned it, from an hour on. */
  callers(endpoint: { readonly name: string; readonly team: string }, fromHour: number): Promise<readonly CallerUse[]>;
  endpointUse(fromHour: number): Promise<readonly EndpointUse[]>;
  removeBefore(tx: Tx, times: { readonly hour: number; readonly day: number; readonly stream: number }): Promise<void>;
}

/** Rows of one statement: their values must fit what a statement may bind. */
const rowsAtOnce = 200;

type Counted = 'requests' | 'client_errors' | 'server_errors' | 'refused' | 'row_count' | 'run_ms';

export function createUsageStore(database: Database): UsageStore {
  const tables = (db: Kysely<unknown> | Tx = database.reader) => db.withTables<UsageTables>();

  async function addCounts(tx: Tx, counts: readonly UsageCount[]): Promise<void> {
    // In one order everywhere, so that the controls of one database never wait for each other in a circle.
    const rows = counts.map(rowOf).toSorted((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1));
    for (const some of chunks(rows))
      await tables(tx)
        .insertInto('usage_hour')
        .values(some)
        .onConflict((conflict) =>
          conflict.columns(['endpoint', 'hour', 'team', 'actor', 'model', 'version']).doUpdateSet({
            requests: added('requests'),
            client_errors: added('client_errors'),
            server_errors: added('server_errors'),
            refused: added('refused'),
            row_count: added('row_count'),
            run_ms: added('run_ms'),
            last_at: sql`case when excluded.last_at > usage_hour.last_at then excluded.last_at else usage_hour.last_at end`,
          }),
        )
        .execute();
  }

  async function addQuotas(tx: Tx, quotas: readonly QuotaUse[]): Promise<void> {
    const rows = quotas
      .filter(({ requests }) => requests > 0)
      .toSorted((a, b) => (quotaKey(a) < quotaKey(b) ? -1 : 1))
      .map(({ day, endpoint, actor, requests }) => ({ day, endpoint, actor, requests }));
    for (const some of chunks(rows))
      await tables(tx)
        .insertInto('usage_quota')
        .values(some)
        .onConflict((conflict) =>
          conflict
            .columns(['day', 'endpoint', 'actor'])
            .doUpdateSet((is) => ({ requests: is('usage_quota.requests', '+', is.ref('excluded.requests')) })),
        )
        .execute();
  }

  return {
    async add(tx, { stream, sequence, counts, quotas }, now) {
      await tables(tx)
        .insertInto('usage_stream')
        .values({ stream, sequence: 0, reported_at: now })
        .onConflict((conflict) => conflict.doNothing())
        .execute();
      const { numUpdatedRows } = await tables(tx)
        .updateTable('usage_stream')
        .set({ sequence, reported_at: now })
        .where('stream', '=', stream)
        .where('sequence', '<', sequence)
        .executeTakeFirstOrThrow();
      if (numUpdatedRows === 0n) return;
      await addCounts(tx, counts);
      await addQuotas(tx, quotas);
    },

    async quotasUsed(tx, quotas) {
      const used = new Map(quotas.map((quota) => [quotaKey(quota), { ...quota, requests: 0 }]));
      for (const some of chunks(quotas)) {
        const rows = await tables(tx)
          .selectFrom('usage_quota')
          .selectAll()
          .where((is) =>
            is.or(
              some.map(({ day, endpoint, actor }) =>
                is.and([is('day', '=', day), is('endpoint', '=', endpoint), is('actor', '=', actor)]),
              ),
            ),
          )
          .execute();
        for (const row of rows) used.set(quotaKey(row), row);
      }
      return [...used.values()];
    },

    async quotasOfDay(day) {
      return await tables().selectFrom('usage_quota').selectAll().where('day', '=', day).execute();
    },

    async callers({ name, team }, fromHour) {
      const rows = await tables()
        .selectFrom('usage_hour')
        .select((is) => [
          'actor',
          'model',
          'version',
          total<number>('requests').as('requests'),
          total<number>('client_errors').as('clientErrors'),
          total<number>('server_errors').as('serverErrors'),
          total<number>('refused').as('refused'),
          total<number>('row_count').as('rows'),
          is.fn.sum<number>('run_ms').as('runMs'),
          is.fn.max('last_at').as('lastAt'),
        ])
        .where('endpoint', '=', name)
        .where('team', '=', team)
        .where('hour', '>=', fromHour)
        .groupBy(['actor', 'model', 'version'])
        .orderBy('actor')
        .orderBy('model')
        .orderBy('version')
        .execute();
      return rows;
    },

    async endpointUse(fromHour) {
      return await tables()
        .selectFrom('usage_hour')
        .select([
          'endpoint',
          'team',
          total<number>('requests').as('requests'),
          sql<number>`cast(sum(client_errors + server_errors) as bigint)`.as('errors'),
          sql<number>`count(distinct actor)`.as('callers'),
        ])
        .where('hour', '>=', fromHour)
        .groupBy(['endpoint', 'team'])
        .orderBy('endpoint')
        .execute();
    },

    async removeBefore(tx, { hour, day, stream }) {
      await tables(tx).deleteFrom('usage_hour').where('hour', '<', hour).execute();
      await tables(tx).deleteFrom('usage_quota').where('day', '<', day).execute();
      await tables(tx).deleteFrom('usage_stream').where('reported_at', '<', stream).execute();
    },
  };
}

/** What is there and what comes. */
function added(column: Counted): RawBuilder<number> {
  return sql<number>`${sql.ref(`usage_hour.${column}`)} + ${sql.ref(`excluded.${column}`)}`;
}

/** The sum of integers as one: PostgreSQL makes it a decimal by itself. */
function total<T>(column: Counted): RawBuilder<T> {
  return sql<T>`cast(sum(${sql.ref(column)}) as bigint)`;
}

function rowOf(count: UsageCount): UsageTables['usage_hour'] {
  return {
    endpoint: count.endpoint,
    hour: count.hour,
    team: count.team,
    actor: count.actor,
    model: count.model,
    version: count.version,
    requests: count.requests,
    client_errors: count.clientErrors,
    server_errors: count.serverErrors,
    refused: count.refused,
    row_count: count.rows,
    run_ms: count.runMs,
    last_at: count.lastAt,
  };
}

function keyOf(row: UsageTables['usage_hour']): string {
  return `${row.endpoint} ${row.hour} ${row.team} ${row.actor} ${row.version} ${row.model}`;
}

function quotaKey({ day, endpoint, actor }: QuotaUse): string {
  return `${day} ${endpoint} ${actor}`;
}

function* chunks<T>(all: readonly T[]): Iterable<readonly T[]> {
  for (let from = 0; from < all.length; from += rowsAtOnce) yield all.slice(from, from + rowsAtOnce);
}
