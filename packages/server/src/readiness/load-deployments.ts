import { type Problem, type ServingSettings, servingSettingsSchema } from '@muster-ml/protocol';
import type { Kysely } from 'kysely';
import type { FactTables } from './read-tables.ts';

/** A deployment that may be judged. */
export interface Candidate {
  readonly role: 'live' | 'canary' | 'shadow';
  readonly model: string;
  readonly version: number;
  readonly settings: ServingSettings;
  readonly state: string;
  readonly problem: { readonly code: string; readonly detail: string } | null;
  readonly readyAt: number | null;
  /** Loads that failed since every replica was ready. */
  readonly attempts: number;
  readonly replicas: readonly { readonly readyAt: number | null }[];
}

export interface Judged {
  /** Undefined where nothing serves, or nothing of the version that was asked for. */
  readonly judged: Candidate | undefined;
  /** Whether nothing else was live here before this version was: a rollback to it changes nothing about that. */
  readonly isFirst: boolean;
}

/** States in which a deployment has, or had, its traffic. */
const serving = new Set(['ready', 'unready', 'quarantined']);

/** What is judged of each endpoint: the deployment that is live, or the canary or shadow of a version; three queries. */
export async function loadDeployments(
  reader: Kysely<unknown>,
  ids: readonly string[],
  wanted: number | undefined,
): Promise<ReadonlyMap<string, Judged>> {
  const db = reader.withTables<FactTables>();
  const rows = await db
    .selectFrom('deployment')
    .selectAll()
    .where('endpoint', 'in', ids)
    .where('ended_at', 'is', null)
    .orderBy('created_at')
    .execute();
  const replicas = await db
    .selectFrom('replica')
    .innerJoin('deployment', 'deployment.id', 'replica.deployment')
    .select(['replica.deployment', 'replica.ready_at', 'replica.is_leaving'])
    .where('deployment.endpoint', 'in', ids)
    .where('deployment.ended_at', 'is', null)
    .execute();
  const lives = await db
    .selectFrom('endpoint_history')
    .select((eb) => ['endpoint', 'model', 'version', eb.fn.min<number>('from_at').as('first_at')])
    .where('endpoint', 'in', ids)
    .where('role', '=', 'live')
    .groupBy(['endpoint', 'model', 'version'])
    .execute();
  const replicasOf = Map.groupBy(replicas, ({ deployment }) => deployment);
  const livesOf = Map.groupBy(lives, ({ endpoint }) => endpoint);
  const rowsOf = Map.groupBy(rows, ({ endpoint }) => endpoint);

  return new Map(
    ids.map((id) => {
      const all = (rowsOf.get(id) ?? []).filter(
        ({ state, serving_since: since }) => serving.has(state) && since !== null,
      );
      const row =
        wanted === undefined
          ? all.find(({ role }) => role === 'live')
          : (all.find(({ role, version }) => role !== 'live' && version === wanted) ??
            all.find(({ version }) => version === wanted));
      const liveOnes = livesOf.get(id) ?? [];
      const own = liveOnes.find(({ model, version }) => model === row?.model && version === row.version);
      const isFirst = liveOnes.every((one) => one === own || (own !== undefined && own.first_at < one.first_at));
      return [
        id,
        {
          judged: row === undefined ? undefined : candidateOf(row, replicasOf.get(row.id) ?? []),
          isFirst,
        },
      ];
    }),
  );
}

function candidateOf(
  row: FactTables['deployment'],
  replicas: readonly Pick<FactTables['replica'], 'ready_at' | 'is_leaving'>[],
): Candidate {
  const problem = row.problem === null ? null : (JSON.parse(row.problem) as Problem);
  return {
    role: row.role,
    model: row.model,
    version: row.version,
    settings: servingSettingsSchema.parse(JSON.parse(row.settings)),
    state: row.state,
    problem: problem === null ? null : { code: problem.code, detail: problem.detail },
    readyAt: row.ready_at,
    attempts: row.attempts,
    replicas: replicas
      .filter(({ is_leaving: isLeaving }) => isLeaving === 0)
      .map((replica) => ({ readyAt: replica.ready_at })),
  };
}
