import type { NewId } from '../platform/clock/index.ts';
import type { Tx } from '../platform/database/index.ts';
import type { Decision } from './deployment.ts';
import type { EndpointRecord } from './endpoint.ts';
import type { DeploymentTables } from './rows.ts';
import type { Cause, TrafficMove } from './traffic.ts';

/** What was decided, and what traffic followed: written with the change, after the entry of the ledger that it names. */
export interface TrafficStore {
  /** The last decision about an endpoint, and about those of its deployments that it is about. */
  noteDecision(
    tx: Tx,
    noted: {
      readonly endpointId: string;
      readonly deploymentIds: readonly string[];
      readonly decision: Decision;
      readonly at: number;
    },
  ): Promise<void>;
  /** Ends and begins rows of the history, both at one time, which is never before one that the endpoint has. */
  moveTraffic(
    tx: Tx,
    moved: {
      readonly endpoint: EndpointRecord;
      readonly move: TrafficMove;
      readonly at: number;
      readonly newId: NewId;
    },
  ): Promise<void>;
}

export const trafficStore: TrafficStore = {
  async noteDecision(plain, { endpointId, deploymentIds, decision, at }) {
    const tx = plain.withTables<DeploymentTables>();
    const { by, action, entry } = decision;
    await tx
      .updateTable('endpoint')
      .set({ changed_at: at, changed_by: by, changed_action: action, changed_entry: entry })
      .where('id', '=', endpointId)
      .execute();
    if (deploymentIds.length === 0) return;
    await tx
      .updateTable('deployment')
      .set({ decided_by: by, decided_action: action, decided_entry: entry })
      .where('id', 'in', deploymentIds)
      .execute();
  },

  async moveTraffic(plain, { endpoint, move, at: now, newId }) {
    const tx = plain.withTables<DeploymentTables>();
    const last = await tx
      .selectFrom('endpoint_history')
      .select(({ fn }) => [fn.max('from_at').as('from_at'), fn.max('until_at').as('until_at')])
      .where('endpoint', '=', endpoint.id)
      .executeTakeFirstOrThrow();
    // A clock that is set back must not make two deployments live at one time.
    const at = Math.max(now, last.from_at ?? 0, last.until_at ?? 0);
    for (const { deploymentId, cause } of move.ended) {
      await tx
        .updateTable('endpoint_history')
        .set({ until_at: at, ...endOf(cause) })
        .where('endpoint', '=', endpoint.id)
        .where('deployment', '=', deploymentId)
        .where('until_at', 'is', null)
        .execute();
    }
    if (move.begun.length === 0) return;
    const rows = move.begun.map(({ deployment, role, sharePercent, decision }) => ({
      id: newId(),
      endpoint: endpoint.id,
      name: endpoint.name,
      team: endpoint.team,
      deployment: deployment.id,
      model: deployment.served.model,
      version: deployment.served.number,
      role,
      share_percent: sharePercent,
      from_at: at,
      decided_by: decision?.by ?? null,
      decided_action: decision?.action ?? null,
      decided_entry: decision?.entry ?? null,
    }));
    await tx.insertInto('endpoint_history').values(rows).execute();
  },
};

function endOf(cause: Cause) {
  if (cause.why !== null)
    return {
      ended_by: null,
      ended_action: cause.entry?.action ?? null,
      ended_entry: cause.entry?.seq ?? null,
      why: cause.why,
    };
  const { by, action, entry } = cause.decision;
  return { ended_by: by, ended_action: action, ended_entry: entry, why: null };
}
