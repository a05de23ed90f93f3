import type { SubmissionState } from '@muster-ml/protocol';
import type { Kysely } from 'kysely';
import { type Scope, inScope } from '../identity/index.ts';
import type { Tx } from '../platform/database/index.ts';
import type { StandingTables } from '../standing/index.ts';
import type { FactTables } from './read-tables.ts';

/** A submission with the endpoint that it is about. */
export type SubmissionRow = StandingTables['submission'] & {
  readonly endpoint_name: string;
  readonly team: string;
  readonly kind: 'served' | 'observed';
};

export type ApprovalRow = StandingTables['approval'];

/** Ids in one `IN (…)`, far below the limits of both databases. */
const chunk = 500;

function rows(db: Kysely<unknown>) {
  return db
    .withTables<FactTables>()
    .selectFrom('submission')
    .innerJoin('endpoint', 'endpoint.id', 'submission.endpoint')
    .selectAll('submission')
    .select(['endpoint.name as endpoint_name', 'endpoint.team', 'endpoint.kind']);
}

/** Reads take the database's reader or a transaction, writes a transaction. */
export const submissionStore = {
  async find(db: Kysely<unknown>, id: string): Promise<SubmissionRow | undefined> {
    return await rows(db).where('submission.id', '=', id).where('endpoint.deleted_at', 'is', null).executeTakeFirst();
  },

  /** Newest first. */
  async page(
    db: Kysely<unknown>,
    scope: Scope,
    filter: {
      readonly endpoint?: string | undefined;
      readonly team?: string | undefined;
      readonly state?: SubmissionState | undefined;
      readonly after?: string | undefined;
    },
    limit: number,
  ): Promise<readonly SubmissionRow[]> {
    const { endpoint, team, state, after } = filter;
    return await rows(db)
      .where('endpoint.deleted_at', 'is', null)
      .where(inScope(scope, { team: 'endpoint.team', endpoint: 'endpoint.name' }))
      .$if(endpoint !== undefined, (all) => all.where('endpoint.name', '=', endpoint ?? ''))
      .$if(team !== undefined, (all) => all.where('endpoint.team', '=', team ?? ''))
      .$if(state !== undefined, (all) => all.where('submission.state', '=', state ?? 'waiting'))
      .$if(after !== undefined, (all) => all.where('submission.id', '<', after ?? ''))
      .orderBy('submission.id', 'desc')
      .limit(limit)
      .execute();
  },

  async waitingOf(db: Kysely<unknown>, endpointIds: readonly string[]): Promise<readonly SubmissionRow[]> {
    const found: SubmissionRow[] = [];
    for (let at = 0; at < endpointIds.length; at += chunk)
      found.push(
        ...(await rows(db)
          .where('submission.endpoint', 'in', endpointIds.slice(at, at + chunk))
          .where('submission.state', '=', 'waiting')
          .execute()),
      );
    return found;
  },

  async approvals(db: Kysely<unknown>, submissions: readonly string[]): Promise<readonly ApprovalRow[]> {
    if (submissions.length === 0) return [];
    return await db
      .withTables<StandingTables>()
      .selectFrom('approval')
      .selectAll()
      .where('submission', 'in', submissions)
      .orderBy('at')
      .execute();
  },

  async add(tx: Tx, row: StandingTables['submission']): Promise<void> {
    await tx.withTables<StandingTables>().insertInto('submission').values(row).execute();
  },

  /** Ends one that waits, and answers whether it did; one that was decided stays as it is. */
  async end(
    tx: Tx,
    id: string,
    end: { readonly state: Exclude<SubmissionState, 'waiting'>; readonly why: string | null; readonly at: number },
  ): Promise<boolean> {
    const ended = await tx
      .withTables<StandingTables>()
      .updateTable('submission')
      .set({ state: end.state, why: end.why, ended_at: end.at })
      .where('id', '=', id)
      .where('state', '=', 'waiting')
      .executeTakeFirst();
    return Number(ended.numUpdatedRows) > 0;
  },

  async addApproval(tx: Tx, row: ApprovalRow): Promise<void> {
    await tx.withTables<StandingTables>().insertInto('approval').values(row).execute();
  },
};
