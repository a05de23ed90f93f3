import type { HistoryDecision, HistoryInterval } from '@muster-ml/protocol';
import type { DeploymentTables } from '../deployments/index.ts';

/**
 * An interval: a time in which one deployment had traffic under an endpoint, in one role and at one share. The room of
 * the deployments writes it, in the transaction of the change that begins or ends it, so that what is open is what the
 * routing table says. This room reads them; none is ever changed after it ended.
 */
export type IntervalRow = DeploymentTables['endpoint_history'] & { readonly deleted_at: number | null };

/** Ids of the actors that intervals name. */
export function actorsIn(rows: readonly IntervalRow[]): readonly string[] {
  return [...new Set(rows.flatMap((row) => [row.decided_by ?? [], row.ended_by ?? []].flat()))];
}

/** An interval as the API shows it. Who may see it may know who decided it. */
export function renderInterval(row: IntervalRow, names: ReadonlyMap<string, string>): HistoryInterval {
  return {
    endpoint: row.name,
    team: row.team,
    deleted: row.deleted_at !== null,
    deployment: row.deployment,
    model: row.model,
    version: row.version,
    role: row.role,
    sharePercent: row.share_percent,
    from: timeOf(row.from_at),
    until: row.until_at === null ? null : timeOf(row.until_at),
    decision: decisionOf(row.decided_by, row.decided_action, row.decided_entry, names),
    end: row.until_at === null ? null : decisionOf(row.ended_by, row.ended_action, row.ended_entry, names),
    why: row.why,
  };
}

/** A decision as the API shows it. */
export function decisionOf(
  by: string | null,
  action: string | null,
  entry: number | null,
  names: ReadonlyMap<string, string>,
): HistoryDecision {
  return { by: by === null ? null : { id: by, name: names.get(by) ?? null }, action, entry };
}

export function timeOf(atMs: number): string {
  return new Date(atMs).toISOString();
}
