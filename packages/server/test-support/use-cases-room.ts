import { type ProposeUseCase, type ReviewAnswers, proposeUseCaseSchema } from '@muster-ml/protocol';
import { sql } from 'kysely';
import { type NewEntry, createLedger } from '../src/ledger/index.ts';
import type { NewNotification } from '../src/notifications/contract.ts';
import { createIds, systemClock } from '../src/platform/clock/index.ts';
import type { Database } from '../src/platform/database/index.ts';
import { type UseCases, createUseCases } from '../src/usecases/index.ts';
import { decidingIdentity } from './identity.ts';

/** The room of use cases on a real database, with the real rules of who may do what. */
export interface UseCasesRoom {
  readonly useCases: UseCases;
  readonly entries: NewEntry[];
  /** What people were told, also in transactions that were rolled back. */
  readonly told: NewNotification[];
  /** An endpoint that belongs to a use case; a live one answers. */
  addEndpoint(name: string, useCase: string, options?: { team?: string; isLive?: boolean }): Promise<void>;
  /** From now on nothing of the endpoint answers. */
  stop(endpoint: string): Promise<void>;
}

export async function openUseCasesRoom(database: Database): Promise<UseCasesRoom> {
  const execute = async (...statements: readonly ReturnType<typeof sql>[]): Promise<void> =>
    await database.inTransaction(async (tx) => {
      for (const statement of statements) await statement.execute(tx);
    });
  await execute(sql`insert into team (name, created_at) values ('risk', 0), ('sales', 0)`);
  const ledger = createLedger({ clock: systemClock });
  const entries: NewEntry[] = [];
  const told: NewNotification[] = [];
  const useCases = createUseCases({
    database,
    identity: {
      ...decidingIdentity(),
      namesOf: async (ids) => await Promise.resolve(new Map(ids.map((id) => [id, id.toUpperCase()]))),
    },
    ledger: {
      append: async (tx, entry) => {
        entries.push(entry);
        return await ledger.append(tx, entry);
      },
    },
    notify: async (_tx, notification) => await Promise.resolve(void told.push(notification)),
    clock: systemClock,
    newId: createIds(systemClock),
  });
  return {
    useCases,
    entries,
    told,
    addEndpoint: async (name, useCase, { team = 'risk', isLive = false } = {}) =>
      await execute(
        sql`insert into endpoint (id, name, team, description, tags, limits, revision, touched, created_at, created_by, use_case)
          values (${`e-${name}`}, ${name}, ${team}, '', '{}', '{}', 1, 1, 1, 'ana', (select id from use_case where name = ${useCase}))`,
        sql`insert into deployment (id, endpoint, role, share_percent, state, model, version, served, settings, is_forced,
            attempts, next_replica, is_rollback, created_at, created_by)
          values (${`d-${name}`}, ${`e-${name}`}, 'live', 100, 'ready', 'm', 1, '{}', '{}', 0, 0, 1, 0, 1, 'ana')`,
        sql`insert into endpoint_history (id, endpoint, name, team, deployment, model, version, role, share_percent, from_at)
          values (${`h-${name}`}, ${`e-${name}`}, ${name}, ${team}, ${`d-${name}`}, 'm', 1, ${isLive ? 'live' : 'shadow'}, 100, 1)`,
      ),
    stop: async (name) => await execute(sql`update endpoint_history set until_at = 2 where name = ${name}`),
  };
}

/** A use case as somebody writes it down in a hurry. */
export function proposal(name: string, more: Partial<ProposeUseCase> = {}): ProposeUseCase {
  return proposeUseCaseSchema.parse({ name, team: 'risk', title: 'Find fraud', problem: 'It costs a lot', ...more });
}

/** The answers of a review: yes to all but those that are given. */
export function answers(given: Partial<Record<keyof ReviewAnswers, 'yes' | 'no' | 'unknown'>> = {}): ReviewAnswers {
  const of = (question: keyof ReviewAnswers): ReviewAnswers['rule'] => ({ answer: given[question] ?? 'yes', note: '' });
  return {
    decision: of('decision'),
    baseline: of('baseline'),
    labels: of('labels'),
    volume: of('volume'),
    tolerance: of('tolerance'),
    rule: of('rule'),
  };
}
