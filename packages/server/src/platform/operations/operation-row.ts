import { type Operation, problemSchema } from '@muster-ml/protocol';

export interface OperationRow {
  id: string;
  kind: Operation['kind'];
  subject: string;
  state: Operation['state'];
  progress: string;
  /** JSON */
  result: string | null;
  /** JSON */
  problem: string | null;
  /** Team that may see it; null: the installation's. */
  team: string | null;
  /** The process that has it; informative. */
  owner: string;
  created_by: string;
  created_at: number;
  finished_at: number | null;
  /** JSON */
  input: string;
}

export type OperationTables = {
  operation: OperationRow;
};

export function fromRow(row: OperationRow, progress?: string): Operation {
  return {
    id: row.id,
    kind: row.kind,
    subject: row.subject,
    state: row.state,
    progress: progress ?? row.progress,
    result: row.result === null ? null : (JSON.parse(row.result) as Record<string, unknown>),
    problem: row.problem === null ? null : problemSchema.parse(JSON.parse(row.problem)),
    createdAt: new Date(row.created_at).toISOString(),
    createdBy: row.created_by,
    finishedAt: row.finished_at === null ? null : new Date(row.finished_at).toISOString(),
  };
}
