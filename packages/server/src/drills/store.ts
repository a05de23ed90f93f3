import { type DrillKind, drillSettingsSchema } from '@muster-ml/protocol';
import type { Kysely } from 'kysely';
import type { DeploymentTables } from '../deployments/index.ts';
import type { Database, Tx } from '../platform/database/index.ts';
import type { ScheduleRecord } from './schedule.ts';

/** The table of this room, as sql/0012-standing.sql makes it. */
type DrillTables = {
  drill_schedule: {
    endpoint: string;
    kind: DrillKind;
    every_days: number;
    settings: string;
    next_at: number;
    last_at: number | null;
    last_outcome: string | null;
    set_at: number;
    set_by: string;
  };
};

/** Longest sentence that is kept of a drill. */
const maxOutcomeLength = 1000;

/** Schedules of drills. Those of deleted endpoints are not there. */
export interface ScheduleStore {
  save(tx: Tx, schedule: Omit<ScheduleRecord, 'endpoint' | 'team'>): Promise<void>;
  /** Whether there was one to end. */
  remove(tx: Tx, endpointId: string, kind: DrillKind): Promise<boolean>;
  /** Of one endpoint, by kind, after a kind. */
  page(endpointId: string, after: string | undefined, limit: number): Promise<readonly ScheduleRecord[]>;
  /** The one that has been due longest. */
  due(now: number): Promise<ScheduleRecord | undefined>;
  /** Notes how it stands; one that has been ended or set anew meanwhile stays as it is. */
  note(
    tx: Tx,
    schedule: ScheduleRecord,
    change: { readonly nextAt: number; readonly lastAt?: number; readonly lastOutcome?: string },
  ): Promise<void>;
  /** Forgets those of endpoints that were deleted. */
  removeOrphans(tx: Tx): Promise<void>;
}

export function createScheduleStore({ reader }: Database): ScheduleStore {
  return {
    async save(tx, { endpointId, kind, everyDays, settings, nextAt, lastAt, lastOutcome, setAt, setBy }) {
      const row = {
        every_days: everyDays,
        settings: JSON.stringify(settings),
        next_at: nextAt,
        last_at: lastAt,
        last_outcome: lastOutcome,
        set_at: setAt,
        set_by: setBy,
      };
      await tx
        .withTables<DrillTables>()
        .insertInto('drill_schedule')
        .values({ endpoint: endpointId, kind, ...row })
        .onConflict((conflict) => conflict.columns(['endpoint', 'kind']).doUpdateSet(row))
        .execute();
    },

    async remove(tx, endpointId, kind) {
      const { numDeletedRows } = await tx
        .withTables<DrillTables>()
        .deleteFrom('drill_schedule')
        .where('endpoint', '=', endpointId)
        .where('kind', '=', kind)
        .executeTakeFirst();
      return numDeletedRows > 0n;
    },

    async page(endpointId, after, limit) {
      let query = select(reader).where('drill_schedule.endpoint', '=', endpointId);
      if (after !== undefined) query = query.where('drill_schedule.kind', '>', after as DrillKind);
      const rows = await query.orderBy('drill_schedule.kind').limit(limit).execute();
      return rows.map(toRecord);
    },

    async due(now) {
      const row = await select(reader)
        .where('drill_schedule.next_at', '<=', now)
        .orderBy('drill_schedule.next_at')
        .limit(1)
        .executeTakeFirst();
      return row === undefined ? undefined : toRecord(row);
    },

    async note(tx, { endpointId, kind, setAt }, { nextAt, lastAt, lastOutcome }) {
      await tx
        .withTables<DrillTables>()
        .updateTable('drill_schedule')
        .set({
          next_at: nextAt,
          ...(lastAt === undefined ? {} : { last_at: lastAt }),
          ...(lastOutcome === undefined ? {} : { last_outcome: lastOutcome.slice(0, maxOutcomeLength) }),
        })
        .where('endpoint', '=', endpointId)
        .where('kind', '=', kind)
        .where('set_at', '=', setAt)
        .execute();
    },

    async removeOrphans(tx) {
      const tables = tx.withTables<DrillTables & DeploymentTables>();
      await tables
        .deleteFrom('drill_schedule')
        .where('endpoint', 'in', tables.selectFrom('endpoint').select('id').where('deleted_at', 'is not', null))
        .execute();
    },
  };
}

function select(db: Kysely<unknown>) {
  return db
    .withTables<DrillTables & DeploymentTables>()
    .selectFrom('drill_schedule')
    .innerJoin('endpoint', 'endpoint.id', 'drill_schedule.endpoint')
    .where('endpoint.deleted_at', 'is', null)
    .selectAll('drill_schedule')
    .select(['endpoint.name as name', 'endpoint.team as team']);
}

type Row = Awaited<ReturnType<ReturnType<typeof select>['execute']>>[number];

function toRecord(row: Row): ScheduleRecord {
  return {
    endpointId: row.endpoint,
    endpoint: row.name,
    team: row.team,
    kind: row.kind,
    everyDays: row.every_days,
    settings: drillSettingsSchema.parse(JSON.parse(row.settings)),
    nextAt: row.next_at,
    lastAt: row.last_at,
    lastOutcome: row.last_outcome,
    setAt: row.set_at,
    setBy: row.set_by,
  };
}
