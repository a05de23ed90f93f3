import { type RiskTier, servingSettingsSchema } from '@muster-ml/protocol';
import type { ServedVersion } from '../src/registry/index.ts';
import type { Database, Tx } from '../src/platform/database/index.ts';
import { inspected } from './registry.ts';

/** What happened to an endpoint, to be written as rows: what no test can wait for. Times are milliseconds since the epoch. */
export interface PlannedEndpoint {
  readonly name: string;
  readonly team: string;
  /** Id of an actor. */
  readonly owner: string;
  readonly kind?: 'served' | 'observed';
  readonly createdAt: number;
  readonly deletedAt?: number;
  readonly useCase?: {
    readonly proposedAt: number;
    readonly state: 'proposed' | 'accepted' | 'declined' | 'retired';
    readonly decidedAt?: number;
    readonly riskTier?: RiskTier;
  };
  readonly objective?: object;
  readonly runbook?: string;
  /** When each version of its own model was handed over, the first first. */
  readonly versions: readonly number[];
  readonly deployments?: readonly PlannedDeployment[];
  readonly submissions?: readonly PlannedSubmission[];
  readonly evidence?: readonly {
    readonly check: string;
    readonly source: 'drill' | 'person';
    readonly version: number;
    readonly at: number;
    readonly figures?: Readonly<Record<string, number | string>>;
  }[];
  readonly standing?: {
    readonly state: 'waiting' | 'in production' | 'lapsed';
    readonly since: number;
    readonly firstAt: number | null;
  };
  readonly events?: readonly { readonly what: string; readonly at: number }[];
}

export interface PlannedDeployment {
  readonly version: number;
  readonly role: 'live' | 'canary' | 'shadow';
  readonly createdAt: number;
  /** When it had traffic; absent where it never had. */
  readonly traffic?: { readonly from: number; readonly until: number | null; readonly sharePercent: number };
}

export interface PlannedSubmission {
  readonly version: number;
  readonly state: 'waiting' | 'approved' | 'rejected' | 'void';
  readonly at: number;
  readonly endedAt: number | null;
  /** Ids of actors. */
  readonly approvers?: readonly string[];
}

export type Row = Readonly<Record<string, string | number | null>>;
type Rows = ReadonlyMap<string, Row[]>;

/** Tables in the order in which they refer to each other. */
const order = [
  'model',
  'model_version',
  'use_case',
  'endpoint',
  'deployment',
  'replica',
  'endpoint_history',
  'submission',
  'approval',
  'evidence',
  'standing',
  'standing_event',
] as const;

const settings = JSON.stringify(servingSettingsSchema.parse({}));
const fileDigest = 'a'.repeat(64);

/** Values that one statement may bind, far below the limits of both databases. */
const valuesAtOnce = 8000;

/** The name of the model that an endpoint serves. */
export function modelOf(endpoint: string): string {
  return `${endpoint}-model`;
}

/** Writes teams, the file that all versions share, and endpoints with everything that happened to them. */
export async function writePlanned(database: Database, endpoints: readonly PlannedEndpoint[]): Promise<void> {
  const rows = new Map<string, Row[]>(order.map((table) => [table, []]));
  for (const endpoint of endpoints) addRows(rows, endpoint);
  await database.inTransaction(async (tx) => {
    const file = { digest: fileDigest, size: 1000, state: 'stored', touched_at: 0 };
    await insertRows(tx, 'object', [file], true);
    const teams = [...new Set(endpoints.map(({ team }) => team))];
    await insertRows(
      tx,
      'team',
      teams.map((name) => ({ name, created_at: 0 })),
      true,
    );
    for (const table of order) await insertRows(tx, table, rows.get(table) ?? []);
  });
}

/** Inserts many rows of one table, some at once. */
export async function insertRows(tx: Tx, table: string, rows: readonly Row[], mayExist = false): Promise<void> {
  const [first] = rows;
  if (first === undefined) return;
  const atOnce = Math.max(1, Math.floor(valuesAtOnce / Object.keys(first).length));
  for (let at = 0; at < rows.length; at += atOnce)
    await tx
      .withTables<Record<string, Row>>()
      .insertInto(table)
      .values(rows.slice(at, at + atOnce))
      .$if(mayExist, (insert) => insert.onConflict((conflict) => conflict.doNothing()))
      .execute();
}

function addRows(rows: Rows, planned: PlannedEndpoint): void {
  const { name, team, owner } = planned;
  const id = `e-${name}`;
  const model = modelOf(name);
  const add = (table: (typeof order)[number], row: Row): void => void rows.get(table)?.push(row);
  addModel(add, planned);
  if (planned.useCase !== undefined) addUseCase(add, planned, planned.useCase);
  add('endpoint', {
    id,
    name,
    team,
    description: '',
    tags: '{}',
    limits: '{}',
    revision: 1,
    touched: 0,
    created_at: planned.createdAt,
    created_by: owner,
    deleted_at: planned.deletedAt ?? null,
    kind: planned.kind ?? 'served',
    owner,
    use_case: planned.useCase === undefined ? null : `u-${name}`,
    objective: planned.objective === undefined ? null : JSON.stringify(planned.objective),
    runbook: planned.runbook ?? null,
  });
  for (const [at, deployment] of (planned.deployments ?? []).entries())
    addDeployment(add, planned, `d-${name}-${at}`, deployment);
  for (const [at, submission] of (planned.submissions ?? []).entries())
    addSubmission(add, planned, `s-${name}-${String(at).padStart(3, '0')}`, submission);
  for (const [at, { check, source, version, at: time, figures = {} }] of (planned.evidence ?? []).entries())
    add('evidence', {
      id: `v-${name}-${String(at).padStart(4, '0')}`,
      endpoint: id,
      check_id: check,
      model,
      version,
      source,
      passed: 1,
      summary: 'it held',
      figures: JSON.stringify(figures),
      at: time,
      actor: owner,
      entry: 1,
    });
  const last = planned.versions.length;
  if (planned.standing !== undefined)
    add('standing', {
      endpoint: id,
      state: planned.standing.state,
      since: planned.standing.since,
      first_at: planned.standing.firstAt,
      reasons: '[]',
      submission: null,
      model,
      version: last,
    });
  for (const [at, { what, at: time }] of (planned.events ?? []).entries())
    add('standing_event', {
      id: `n-${name}-${String(at).padStart(4, '0')}`,
      endpoint: id,
      at: time,
      what,
      reasons: '[]',
      model,
      version: last,
      actor: owner,
      entry: 1,
    });
}

type Add = (table: (typeof order)[number], row: Row) => void;

function addModel(add: Add, { name, team, owner, versions }: PlannedEndpoint): void {
  if (versions.length === 0) return;
  add('model', {
    id: `m-${name}`,
    name: modelOf(name),
    folded_name: modelOf(name),
    team,
    description: '',
    tags: '{}',
    last_number: versions.length,
    created_at: versions[0] ?? 0,
    created_by: owner,
  });
  for (const [at, createdAt] of versions.entries())
    add('model_version', {
      id: `w-${name}-${at}`,
      model: `m-${name}`,
      number: at + 1,
      runtime: 'onnx',
      digest: fileDigest,
      size: 1000,
      signature: JSON.stringify(inspected.signature),
      facts: JSON.stringify(inspected.facts),
      sample_digest: fileDigest,
      description: '',
      tags: '{}',
      created_at: createdAt,
      created_by: owner,
    });
}

function addUseCase(add: Add, { name, team, owner }: PlannedEndpoint, its: NonNullable<PlannedEndpoint['useCase']>) {
  const isDecided = its.state !== 'proposed';
  add('use_case', {
    id: `u-${name}`,
    name: `why-${name}`,
    team,
    title: 'a use case',
    problem: 'a problem',
    supports: '',
    baseline: '',
    sponsor: '',
    alternatives: '',
    state: its.state,
    risk_tier: its.riskTier ?? null,
    decided_as: isDecided ? its.state : null,
    decided_reason: isDecided ? 'a reason' : null,
    decided_at: its.decidedAt ?? null,
    decided_by: isDecided ? 'judge' : null,
    decided_entry: isDecided ? 1 : null,
    revision: 1,
    proposed_at: its.proposedAt,
    proposed_by: owner,
  });
}

function addDeployment(add: Add, { name, team, owner }: PlannedEndpoint, id: string, its: PlannedDeployment): void {
  const { version, role, createdAt, traffic } = its;
  const served: ServedVersion = {
    model: modelOf(name),
    number: version,
    team,
    runtime: 'onnx',
    digest: fileDigest,
    sizeBytes: 1000,
    signature: inspected.signature,
    sampleDigest: fileDigest,
  };
  const until = traffic?.until ?? null;
  add('deployment', {
    id,
    endpoint: `e-${name}`,
    role,
    share_percent: traffic?.sharePercent ?? 100,
    state: traffic === undefined ? 'starting' : until === null ? 'ready' : 'ended',
    model: modelOf(name),
    version,
    served: JSON.stringify(served),
    settings,
    is_forced: 0,
    attempts: 0,
    next_replica: 1,
    is_rollback: 0,
    created_at: createdAt,
    created_by: owner,
    decided_by: owner,
    ready_at: traffic?.from ?? null,
    serving_since: traffic?.from ?? null,
    ended_at: until,
  });
  if (traffic === undefined) return;
  if (until === null)
    add('replica', {
      id: `r-${id}`,
      deployment: id,
      runner: 'pack-0',
      runner_kind: 'pack',
      is_leaving: 0,
      created_at: traffic.from,
      ready_at: traffic.from,
    });
  add('endpoint_history', {
    id: `h-${id}`,
    endpoint: `e-${name}`,
    name,
    team,
    deployment: id,
    model: modelOf(name),
    version,
    role,
    share_percent: traffic.sharePercent,
    from_at: traffic.from,
    until_at: until,
    decided_by: owner,
    decided_action: 'endpoint.deploy',
    decided_entry: 1,
  });
}

function addSubmission(add: Add, { name, owner, useCase }: PlannedEndpoint, id: string, its: PlannedSubmission): void {
  add('submission', {
    id,
    endpoint: `e-${name}`,
    model: modelOf(name),
    version: its.version,
    level: 'silver',
    risk_tier: useCase?.riskTier ?? null,
    state: its.state,
    why: null,
    note: '',
    served_digest: 'b'.repeat(64),
    subject_digest: 'c'.repeat(64),
    evidence_digest: 'd'.repeat(64),
    approvals_needed: 1,
    authors: JSON.stringify([owner]),
    submitted_at: its.at,
    submitted_by: owner,
    ended_at: its.endedAt,
  });
  for (const actor of its.approvers ?? [])
    add('approval', { submission: id, actor, at: its.endedAt ?? its.at, reason: 'the figures hold', entry: 1 });
}
