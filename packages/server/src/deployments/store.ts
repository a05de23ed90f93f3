import type { EndpointEvent } from '@muster-ml/protocol';
import { type Scope, inScope } from '../identity/index.ts';
import type { Database, Tx } from '../platform/database/index.ts';
import type { DeploymentRecord } from './deployment.ts';
import type { EndpointState } from './endpoint.ts';
import {
  type DeploymentTables,
  deploymentOf,
  deploymentRow,
  endpointOf,
  endpointRow,
  eventOf,
  replicaRow,
} from './rows.ts';
import { type TrafficStore, trafficStore } from './traffic-store.ts';

export interface StoredEvent extends EndpointEvent {
  readonly id: string;
}

export interface NewEvent {
  readonly id: string;
  readonly endpointId: string;
  readonly deploymentId: string | null;
  readonly at: number;
  readonly level: EndpointEvent['level'];
  readonly what: string;
  readonly message: string;
}

/** A runner died while it ran a deployment. `death`: it held nothing else. */
export interface Crash {
  readonly id: string;
  readonly deploymentId: string;
  readonly at: number;
  readonly kind: 'suspected' | 'confirmed' | 'death';
}

/** How an endpoint is looked for: by its name among those that are not deleted, or by something under it. */
export type EndpointKey = { readonly name: string } | { readonly id: string } | { readonly operationId: string };

/** Endpoints and what is deployed under them. An endpoint is read and saved whole, without the deployments that have ended. */
export interface DeploymentStore extends TrafficStore {
  /** First step of a transaction that writes: waits for other writers and answers the epoch of this one. */
  begin(tx: Tx): Promise<number>;
  /** Epoch of the last change that is committed. */
  epoch(): Promise<number>;
  /** Reserves versions of routing tables that nobody else will use; answers the first. */
  reserveTableVersions(tx: Tx, count: number): Promise<number>;

  /** The team of an endpoint that is not deleted: all that has to be known to decide who may see it. */
  teamOf(name: string, tx?: Tx): Promise<string | undefined>;
  find(key: EndpointKey, tx?: Tx): Promise<EndpointState | undefined>;
  /** Endpoints that changed after `epoch` and are not deleted or still drain. */
  changedSince(epoch: number): Promise<readonly EndpointState[]>;
  /** By name, those of the scope, after the name. */
  page(scope: Scope, after: string | undefined, limit: number): Promise<readonly EndpointState[]>;
  /**
   * Writes what differs between the two. False, and nothing is written, where the endpoint changed since `before` was
   * read. Throws `unique_violation` where the name is taken.
   */
  save(tx: Tx, epoch: number, before: EndpointState | undefined, after: EndpointState): Promise<boolean>;

  /** A deployment, also one that has ended. */
  deployment(id: string, tx?: Tx): Promise<DeploymentRecord | undefined>;
  /** Model and version of deployments, also of ended ones. */
  versionsOf(
    ids: readonly string[],
  ): Promise<ReadonlyMap<string, { readonly model: string; readonly version: number }>>;

  addEvents(tx: Tx, events: readonly NewEvent[]): Promise<void>;
  /** Newest first, before the id. */
  events(endpointId: string, before: string | undefined, limit: number): Promise<readonly StoredEvent[]>;

  addCrashes(tx: Tx, crashes: readonly Crash[]): Promise<void>;
  crashesSince(at: number): Promise<readonly Crash[]>;
  /** Forgets crashes before `at`. */
  dropCrashes(tx: Tx, before: number): Promise<void>;

  quarantine(
    tx: Tx,
    entry: {
      readonly model: string;
      readonly version: number;
      readonly deploymentId: string;
      readonly reason: string;
      readonly at: number;
    },
  ): Promise<void>;
  /** Why a version is quarantined, if it is. */
  quarantineReason(tx: Tx, model: string, version: number): Promise<string | undefined>;
  liftQuarantine(tx: Tx, model: string, version: number): Promise<void>;
}

/** Events of an endpoint that are kept. */
const keptEvents = 1000;

/** Where a row of an endpoint says whose it is. */
export const endpointColumns = { team: 'endpoint.team', endpoint: 'endpoint.name' } as const;

/** Rows of one `IN (…)`, far below the limits of both databases. */
const chunk = 500;

export function createDeploymentStore(database: Database): DeploymentStore {
  const reading = (tx: Tx | undefined) => (tx ?? database.reader).withTables<DeploymentTables>();

  /** The endpoints of some rows, whole. */
  async function whole(endpoints: readonly DeploymentTables['endpoint'][], tx?: Tx): Promise<readonly EndpointState[]> {
    const states: EndpointState[] = [];
    for (let at = 0; at < endpoints.length; at += chunk) {
      const some = endpoints.slice(at, at + chunk);
      const ids = some.map((row) => row.id);
      const deployments = await reading(tx)
        .selectFrom('deployment')
        .selectAll()
        .where('endpoint', 'in', ids)
        .where('ended_at', 'is', null)
        .orderBy('created_at')
        .orderBy('id')
        .execute();
      const replicas = await reading(tx)
        .selectFrom('replica')
        .innerJoin('deployment', 'deployment.id', 'replica.deployment')
        .selectAll('replica')
        .where('deployment.endpoint', 'in', ids)
        .where('deployment.ended_at', 'is', null)
        .orderBy('replica.created_at')
        .orderBy('replica.id')
        .execute();
      const replicasOf = Map.groupBy(replicas, (row) => row.deployment);
      const deploymentsOf = Map.groupBy(deployments, (row) => row.endpoint);
      for (const row of some) {
        states.push({
          endpoint: endpointOf(row),
          deployments: (deploymentsOf.get(row.id) ?? []).map((deployment) =>
            deploymentOf(deployment, replicasOf.get(deployment.id) ?? []),
          ),
        });
      }
    }
    return states;
  }

  return {
    ...trafficStore,
    async begin(tx) {
      const row = await tx
        .withTables<DeploymentTables>()
        .updateTable('deployment_clock')
        .set((eb) => ({ epoch: eb('epoch', '+', 1) }))
        .where('id', '=', 1)
        .returning('epoch')
        .executeTakeFirstOrThrow();
      return row.epoch;
    },

    async epoch() {
      const row = await reading(undefined)
        .selectFrom('deployment_clock')
        .select('epoch')
        .where('id', '=', 1)
        .executeTakeFirstOrThrow();
      return row.epoch;
    },

    async reserveTableVersions(tx, count) {
      const row = await tx
        .withTables<DeploymentTables>()
        .updateTable('deployment_clock')
        .set((eb) => ({ table_base: eb('table_base', '+', count) }))
        .where('id', '=', 1)
        .returning('table_base')
        .executeTakeFirstOrThrow();
      return row.table_base - count + 1;
    },

    async teamOf(name, tx) {
      const endpoints = reading(tx).selectFrom('endpoint').select('team').where('name', '=', name);
      return (await endpoints.where('deleted_at', 'is', null).executeTakeFirst())?.team;
    },

    async find(key, tx) {
      const endpoints = reading(tx).selectFrom('endpoint').selectAll('endpoint');
      const query =
        'name' in key
          ? endpoints.where('endpoint.name', '=', key.name).where('endpoint.deleted_at', 'is', null)
          : 'id' in key
            ? endpoints.where('endpoint.id', '=', key.id)
            : endpoints.where('endpoint.id', 'in', (eb) =>
                eb
                  .selectFrom('deployment')
                  .select('deployment.endpoint')
                  .where('deployment.operation', '=', key.operationId),
              );
      const row = await query.executeTakeFirst();
      return row === undefined ? undefined : (await whole([row], tx))[0];
    },

    async changedSince(epoch) {
      const rows = await reading(undefined)
        .selectFrom('endpoint')
        .selectAll()
        .where('touched', '>', epoch)
        .where((eb) =>
          eb.or([
            eb('deleted_at', 'is', null),
            eb('id', 'in', eb.selectFrom('deployment').select('endpoint').where('ended_at', 'is', null)),
            eb.lit(epoch > 0),
          ]),
        )
        .orderBy('touched')
        .execute();
      return await whole(rows);
    },

    async page(scope, after, limit) {
      let query = reading(undefined)
        .selectFrom('endpoint')
        .selectAll()
        .where('deleted_at', 'is', null)
        .where(inScope(scope, endpointColumns))
        .orderBy('name')
        .limit(limit);
      if (after !== undefined) query = query.where('name', '>', after);
      return await whole(await query.execute());
    },

    async save(plain, epoch, before, after) {
      const tx = plain.withTables<DeploymentTables>();
      const row = { ...endpointRow(after.endpoint), touched: epoch };
      if (before === undefined) await tx.insertInto('endpoint').values(row).execute();
      else {
        const { id, ...rest } = row;
        const updated = await tx
          .updateTable('endpoint')
          .set(rest)
          .where('id', '=', id)
          .where('touched', '=', before.endpoint.touched)
          .executeTakeFirst();
        if (Number(updated.numUpdatedRows) === 0) return false;
      }
      const known = new Map(before?.deployments.map((deployment) => [deployment.id, deployment]));
      for (const deployment of after.deployments) await saveDeployment(plain, known.get(deployment.id), deployment);
      return true;
    },

    async deployment(id, tx) {
      const row = await reading(tx).selectFrom('deployment').selectAll().where('id', '=', id).executeTakeFirst();
      if (row === undefined) return undefined;
      return deploymentOf(
        row,
        await reading(tx).selectFrom('replica').selectAll().where('deployment', '=', id).orderBy('id').execute(),
      );
    },

    async versionsOf(ids) {
      const versions = new Map<string, { model: string; version: number }>();
      for (let at = 0; at < ids.length; at += chunk) {
        const rows = await reading(undefined)
          .selectFrom('deployment')
          .select(['id', 'model', 'version'])
          .where('id', 'in', ids.slice(at, at + chunk))
          .execute();
        for (const { id, model, version } of rows) versions.set(id, { model, version });
      }
      return versions;
    },

    async addEvents(plain, events) {
      if (events.length === 0) return;
      const tx = plain.withTables<DeploymentTables>();
      const rows = events.map(({ endpointId, deploymentId, ...event }) => ({
        ...event,
        endpoint: endpointId,
        deployment: deploymentId,
      }));
      await tx.insertInto('endpoint_event').values(rows).execute();
      for (const endpoint of new Set(rows.map((row) => row.endpoint))) {
        const oldest = tx
          .selectFrom('endpoint_event')
          .select('id')
          .where('endpoint', '=', endpoint)
          .orderBy('id', 'desc')
          .limit(1)
          .offset(keptEvents);
        await tx.deleteFrom('endpoint_event').where('endpoint', '=', endpoint).where('id', '<=', oldest).execute();
      }
    },

    async events(endpointId, before, limit) {
      let query = reading(undefined)
        .selectFrom('endpoint_event')
        .selectAll()
        .where('endpoint', '=', endpointId)
        .orderBy('id', 'desc')
        .limit(limit);
      if (before !== undefined) query = query.where('id', '<', before);
      return (await query.execute()).map(eventOf);
    },

    async addCrashes(tx, crashes) {
      const rows = crashes.map(({ deploymentId, ...crash }) => ({ ...crash, deployment: deploymentId }));
      if (rows.length > 0) await tx.withTables<DeploymentTables>().insertInto('crash').values(rows).execute();
    },

    async crashesSince(at) {
      const rows = await reading(undefined)
        .selectFrom('crash')
        .selectAll()
        .where('at', '>=', at)
        .orderBy('at')
        .execute();
      return rows.map(({ deployment, ...crash }) => ({ ...crash, deploymentId: deployment }));
    },

    async dropCrashes(tx, before) {
      await tx.withTables<DeploymentTables>().deleteFrom('crash').where('at', '<', before).execute();
    },

    async quarantine(tx, { deploymentId, ...entry }) {
      await tx
        .withTables<DeploymentTables>()
        .insertInto('quarantine')
        .values({ ...entry, deployment: deploymentId })
        .onConflict((conflict) =>
          conflict
            .columns(['model', 'version'])
            .doUpdateSet({ deployment: deploymentId, at: entry.at, reason: entry.reason }),
        )
        .execute();
    },

    async quarantineReason(tx, model, version) {
      const row = await tx
        .withTables<DeploymentTables>()
        .selectFrom('quarantine')
        .select('reason')
        .where('model', '=', model)
        .where('version', '=', version)
        .executeTakeFirst();
      return row?.reason;
    },

    async liftQuarantine(tx, model, version) {
      await tx
        .withTables<DeploymentTables>()
        .deleteFrom('quarantine')
        .where('model', '=', model)
        .where('version', '=', version)
        .execute();
    },
  };
}

/** Writes a deployment and its replicas where they differ from what was read. */
async function saveDeployment(plain: Tx, before: DeploymentRecord | undefined, after: DeploymentRecord): Promise<void> {
  if (before === after) return;
  const tx = plain.withTables<DeploymentTables>();
  const { id, ...rest } = deploymentRow(after);
  if (before === undefined)
    await tx
      .insertInto('deployment')
      .values({ id, ...rest })
      .execute();
  else await tx.updateTable('deployment').set(rest).where('id', '=', id).execute();
  const known = new Map(before?.replicas.map((replica) => [replica.id, replica]));
  for (const replica of after.replicas) {
    const old = known.get(replica.id);
    known.delete(replica.id);
    if (old === replica) continue;
    const row = replicaRow(id, replica);
    if (old === undefined) await tx.insertInto('replica').values(row).execute();
    else
      await tx
        .updateTable('replica')
        .set({ is_leaving: row.is_leaving, ready_at: row.ready_at })
        .where('id', '=', row.id)
        .execute();
  }
  if (known.size > 0)
    await tx
      .deleteFrom('replica')
      .where('id', 'in', [...known.keys()])
      .execute();
}
