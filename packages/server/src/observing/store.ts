import type { Kysely } from 'kysely';
import { type Scope, inScope } from '../identity/index.ts';
import type { Tx } from '../platform/database/index.ts';
import {
  type Observation,
  type ObservedDetails,
  type ObservedRecord,
  type ObservedSource,
  failuresAfter,
} from './observed.ts';
import type { Look } from './look.ts';

type ObservingTables = {
  endpoint: { id: string; name: string; team: string; deleted_at: number | null };
  observed_endpoint: {
    endpoint: string;
    platform: string;
    location: string;
    model: string | null;
    version: string | null;
    source: ObservedSource;
    probe_url: string | null;
    probe_ok: number | null;
    probe_at: number | null;
    probe_status: number | null;
    probe_ms: number | null;
    probe_problem: string | null;
    probe_failures: number | null;
    observation: string | null;
  };
};

/** An address that is to be looked at now. */
export interface DueProbe extends Pick<ObservedRecord, 'id' | 'name' | 'team' | 'failures'> {
  readonly url: string;
  /** When it was looked at last. */
  readonly lookedAt: number | null;
}

/** Reads take the database's reader or a transaction, writes a transaction. */
export interface ObservedStore {
  /** Of an endpoint that is not deleted, by its id; undefined where Muster serves it itself. */
  find(db: Kysely<unknown>, endpointId: string): Promise<ObservedRecord | undefined>;
  /** Id and team of an endpoint that is not deleted, whoever serves it. */
  endpoint(db: Kysely<unknown>, name: string): Promise<{ readonly id: string; readonly team: string } | undefined>;
  /** By name, those of the scope, after the name. */
  page(db: Kysely<unknown>, scope: Scope, after: string | undefined, limit: number): Promise<readonly ObservedRecord[]>;
  add(tx: Tx, endpointId: string, details: ObservedDetails): Promise<void>;
  /** Changes what somebody set; with another probe, what the last one found is forgotten. */
  change(tx: Tx, before: ObservedRecord, details: ObservedDetails): Promise<void>;
  observe(tx: Tx, endpointId: string, observation: Observation): Promise<void>;
  /** Those that were not looked at since. */
  due(db: Kysely<unknown>, since: number): Promise<readonly DueProbe[]>;
  /** Notes a look. False, and nothing is written, where the probe is another now, or somebody else looked meanwhile. */
  note(tx: Tx, probe: DueProbe, found: Look, at: number): Promise<boolean>;
}

const tables = (db: Kysely<unknown>): Kysely<ObservingTables> => db.withTables<ObservingTables>();

const rowsOf = (db: Kysely<unknown>) =>
  tables(db)
    .selectFrom('observed_endpoint')
    .innerJoin('endpoint', 'endpoint.id', 'observed_endpoint.endpoint')
    .where('endpoint.deleted_at', 'is', null);

const selected = (db: Kysely<unknown>) =>
  rowsOf(db).selectAll('observed_endpoint').select(['endpoint.name', 'endpoint.team']);

export const observedStore: ObservedStore = {
  async find(db, endpointId) {
    const row = await selected(db).where('endpoint.id', '=', endpointId).executeTakeFirst();
    return row === undefined ? undefined : recordOf(row);
  },

  async endpoint(db, name) {
    return await tables(db)
      .selectFrom('endpoint')
      .select(['id', 'team'])
      .where('name', '=', name)
      .where('deleted_at', 'is', null)
      .executeTakeFirst();
  },

  async page(db, scope, after, limit) {
    const query = selected(db)
      .where(inScope(scope, { team: 'endpoint.team', endpoint: 'endpoint.name' }))
      .orderBy('endpoint.name')
      .limit(limit);
    const rows = await (after === undefined ? query : query.where('endpoint.name', '>', after)).execute();
    return rows.map(recordOf);
  },

  async add(tx, endpointId, details) {
    await tables(tx)
      .insertInto('observed_endpoint')
      .values({ endpoint: endpointId, ...rowOf(details), ...unseen, observation: null })
      .execute();
  },

  async change(tx, before, details) {
    await tables(tx)
      .updateTable('observed_endpoint')
      .set({ ...rowOf(details), ...(before.probe === details.probe ? {} : unseen) })
      .where('endpoint', '=', before.id)
      .execute();
  },

  async observe(tx, endpointId, observation) {
    await tables(tx)
      .updateTable('observed_endpoint')
      .set({ observation: JSON.stringify(observation) })
      .where('endpoint', '=', endpointId)
      .execute();
  },

  async due(db, since) {
    const rows = await rowsOf(db)
      .select(['endpoint.id', 'endpoint.name', 'endpoint.team', 'probe_url', 'probe_at', 'probe_failures'])
      .where('probe_url', 'is not', null)
      .where((eb) => eb.or([eb('probe_at', 'is', null), eb('probe_at', '<=', since)]))
      .execute();
    return rows.map(({ probe_url, probe_at, probe_failures, ...row }) => ({
      ...row,
      url: probe_url ?? '',
      lookedAt: probe_at,
      failures: probe_failures,
    }));
  },

  async note(tx, probe, found, at) {
    const updated = await tables(tx)
      .updateTable('observed_endpoint')
      .set({
        probe_ok: found.ok ? 1 : 0,
        probe_at: at,
        probe_status: found.status,
        probe_ms: found.ms,
        probe_problem: found.problem,
        probe_failures: failuresAfter(probe.failures, found.ok),
      })
      .where('endpoint', '=', probe.id)
      .where('probe_url', '=', probe.url)
      .where('probe_at', probe.lookedAt === null ? 'is' : '=', probe.lookedAt)
      .where('endpoint', 'in', (eb) => eb.selectFrom('endpoint').select('id').where('deleted_at', 'is', null))
      .executeTakeFirst();
    return Number(updated.numUpdatedRows) > 0;
  },
};

const unseen = {
  probe_ok: null,
  probe_at: null,
  probe_status: null,
  probe_ms: null,
  probe_problem: null,
  probe_failures: null,
} as const;

function rowOf({ platform, location, model, version, source, probe }: ObservedDetails) {
  return { platform, location, model, version, source, probe_url: probe };
}

type Row = ObservingTables['observed_endpoint'] & { readonly name: string; readonly team: string };

function recordOf(row: Row): ObservedRecord {
  return {
    id: row.endpoint,
    name: row.name,
    team: row.team,
    platform: row.platform,
    location: row.location,
    model: row.model,
    version: row.version,
    source: row.source,
    probe: row.probe_url,
    seen:
      row.probe_at === null
        ? null
        : {
            ok: row.probe_ok === 1,
            at: row.probe_at,
            status: row.probe_status,
            ms: row.probe_ms,
            problem: row.probe_problem,
          },
    failures: row.probe_failures,
    observation: row.observation === null ? null : (JSON.parse(row.observation) as Observation),
  };
}
