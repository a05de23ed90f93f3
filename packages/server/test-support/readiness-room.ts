import { dayMs } from '@muster-ml/protocol';
import { sql } from 'kysely';
import type { Caller } from '../src/identity/index.ts';
import { type NewEntry, createLedger } from '../src/ledger/index.ts';
import type { NewNotification } from '../src/notifications/index.ts';
import { createIds, systemClock } from '../src/platform/clock/index.ts';
import type { Database } from '../src/platform/database/index.ts';
import { type Readiness, createReadiness } from '../src/readiness/index.ts';
import { type Standings, createStandings } from '../src/standing/index.ts';
import { callerWith, decidingIdentity } from './identity.ts';
import { type PlannedEndpoint, insertRows, modelOf, writePlanned } from './planned-endpoint.ts';

/** Readiness and standing on a real database, over rows that a test writes. */
export interface ReadinessRoom {
  readonly readiness: Readiness;
  readonly standings: Standings;
  readonly entries: NewEntry[];
  /** What people were told, also in transactions that were rolled back. */
  readonly told: NewNotification[];
  /** How often rights changed, so that gateways hear of it. */
  readonly epochs: { count: number };
  readonly errors: unknown[];
  readonly clock: { now: number };
  /** An endpoint whose version 1 is live, of which all but the review is there; answers its id. */
  addEndpoint(name: string, more?: Partial<PlannedEndpoint>): Promise<string>;
  run(...statements: readonly ReturnType<typeof sql>[]): Promise<void>;
  /** A version becomes canary or shadow, with so many requests answered. */
  addCandidate(name: string, version: number, role?: 'canary' | 'shadow', requests?: number): Promise<void>;
  /** What is canary or shadow becomes live, as it is. */
  promote(name: string): Promise<void>;
  /** A version is deployed as live, with the settings that are live. */
  goLive(name: string, version: number): Promise<void>;
  /** What a drill found. */
  recordDrill(name: string, check: string, passed?: boolean): Promise<void>;
  /** Judges twice, so far apart that a lapse is one. */
  lookTwice(): Promise<void>;
}

export const now = 1_795_000_000_000;

/** How often the room judges, by its clock. */
export const everyMs = 60_000;

const figures = {
  objectiveLatencyMs: 200,
  objectivePercentile: 95,
  objectiveErrorPercent: 1,
  objectiveRequestsPerSecond: 20,
};
const runbook = 'https://wiki.example.org/runbook';

/** Who made the versions, who asks, and who may approve. */
export const ana = callerWith({ id: 'ana', teams: { risk: ['data-scientist', 'operator', 'approver'] } });
export const bob = callerWith({ id: 'bob', teams: { risk: ['operator', 'approver'] } });
export const cleo = callerWith({ id: 'cleo', teams: { risk: ['approver'] } });
export const dan = callerWith({ id: 'dan', teams: { risk: ['approver'] } });
export const stranger = callerWith({ id: 'eve', teams: { sales: ['operator', 'approver'] } });

export async function openReadinessRoom(database: Database, environment = 'prod'): Promise<ReadinessRoom> {
  const ids = ['ana', 'bob', 'cleo', 'dan', 'eve'];
  const at = { created_at: 0 };
  await database.inTransaction(async (tx) => {
    await insertRows(
      tx,
      'team',
      ['risk', 'sales'].map((name) => ({ name, ...at })),
      true,
    );
    await insertRows(
      tx,
      'actor',
      ids.map((id) => ({ id, kind: 'person', name: id, folded_name: id, ...at })),
    );
    await insertRows(
      tx,
      'membership',
      ids.map((actor) => ({ actor, team: actor === 'eve' ? 'sales' : 'risk', role: 'operator', ...at })),
    );
    await insertRows(
      tx,
      'token',
      ids.map((actor) => ({
        id: `t-${actor}`,
        digest: actor,
        actor,
        kind: 'personal',
        last4: '0000',
        created_at: now - dayMs,
      })),
    );
  });
  const ledger = createLedger({ clock: systemClock });
  const entries: NewEntry[] = [];
  const told: NewNotification[] = [];
  const epochs = { count: 0 };
  const errors: unknown[] = [];
  const clock = { now };
  const newId = createIds(systemClock);
  const parts = {
    database,
    environment,
    newId,
    clock: { ...systemClock, now: () => clock.now },
    identity: {
      ...decidingIdentity({ isProduction: environment === 'prod' }),
      accessChanged: async () => await Promise.resolve(void (epochs.count += 1)),
      namesOf: async (of: readonly string[]) => await Promise.resolve(new Map(of.map((id) => [id, id.toUpperCase()]))),
    },
    ledger: {
      append: async (...[tx, entry]: Parameters<typeof ledger.append>) => {
        entries.push(entry);
        return await ledger.append(tx, entry);
      },
    },
    notify: async (_tx: unknown, notification: NewNotification) => await Promise.resolve(void told.push(notification)),
  };
  const standings = createStandings(parts);
  const readiness = createReadiness({
    ...parts,
    standings,
    registry: {
      getVersion: async () => await Promise.reject(new Error('no test asks the registry')),
      modelTeam: async () => await Promise.resolve('risk'),
    },
    everyMs,
    onError: (error) => errors.push(error),
  });
  let made = 0;
  const run = async (...statements: readonly ReturnType<typeof sql>[]): Promise<void> =>
    await database.inTransaction(async (tx) => {
      for (const statement of statements) await statement.execute(tx);
    });

  /** Another deployment, like the one that is there. */
  const insertDeployment = (name: string, version: number, role: string): ReturnType<typeof sql>[] => {
    const id = `n-${name}-${(made += 1)}`;
    return [
      sql`insert into deployment (id, endpoint, role, share_percent, state, model, version, served, settings, is_forced,
          attempts, next_replica, is_rollback, created_at, created_by, ready_at, serving_since)
        select ${id}, endpoint, ${role}, 10, 'ready', model, ${version}, served, settings, 0, 0, 1, 0, ${clock.now}, 'ana',
          ${clock.now}, ${clock.now} from deployment where id = ${`d-${name}-0`}`,
      sql`insert into replica (id, deployment, runner, runner_kind, is_leaving, created_at, ready_at)
        values (${`r-${id}`}, ${id}, 'pack-0', 'pack', 0, ${clock.now}, ${clock.now})`,
      sql`insert into endpoint_history (id, endpoint, name, team, deployment, model, version, role, share_percent, from_at)
        values (${`h-${id}`}, ${`e-${name}`}, ${name}, 'risk', ${id}, ${modelOf(name)}, ${version}, ${role}, 10, ${clock.now})`,
    ];
  };
  const end = (name: string, role: 'live' | 'other'): ReturnType<typeof sql>[] => {
    const which = role === 'live' ? sql`role = 'live'` : sql`role <> 'live'`;
    return [
      sql`update endpoint_history set until_at = ${clock.now} where name = ${name} and ${which} and until_at is null`,
      ...(role === 'live'
        ? [
            sql`update deployment set state = 'ended', ended_at = ${clock.now}
              where endpoint = ${`e-${name}`} and ${which} and ended_at is null`,
          ]
        : []),
    ];
  };

  return {
    readiness,
    standings,
    entries,
    told,
    epochs,
    errors,
    clock,
    run,
    async addEndpoint(name, more = {}) {
      const proofs = ['R20', 'R21', 'R22'].map((check) => ({ check, source: 'drill' as const }));
      await writePlanned(database, [
        {
          name,
          team: 'risk',
          owner: 'ana',
          createdAt: now - 30 * dayMs,
          useCase: { proposedAt: 0, state: 'accepted', decidedAt: 1, riskTier: 'limited' },
          objective: { latencyMs: 200, percentile: 95, errorPercent: 1, requestsPerSecond: 20 },
          runbook,
          versions: [now - 29 * dayMs, now - 28 * dayMs, now - 27 * dayMs],
          deployments: [
            {
              version: 1,
              role: 'live',
              createdAt: now - 20 * dayMs,
              traffic: { from: now - 20 * dayMs, until: null, sharePercent: 100 },
            },
          ],
          evidence: [
            ...proofs.map((proof) => ({ ...proof, version: 1, at: now - 10 * dayMs, figures })),
            { check: 'R29', source: 'person', version: 1, at: now - 10 * dayMs, figures: { runbook } },
          ],
          ...more,
        },
      ]);
      return `e-${name}`;
    },
    async addCandidate(name, version, role = 'canary', requests = 100) {
      await run(
        ...insertDeployment(name, version, role),
        sql`insert into usage_hour (endpoint, hour, team, actor, model, version, requests, client_errors, server_errors, refused,
            row_count, run_ms, last_at)
          values (${name}, ${clock.now - (clock.now % 3_600_000)}, 'risk', 'ana', ${modelOf(name)},
            ${String(role === 'canary' ? version : 1)}, ${requests}, 0, 0, 0, ${requests}, 1, ${clock.now + 1})`,
      );
    },
    async promote(name) {
      await run(
        ...end(name, 'live'),
        ...end(name, 'other'),
        sql`insert into endpoint_history (id, endpoint, name, team, deployment, model, version, role, share_percent, from_at)
          select ${`p-${name}-${(made += 1)}`}, endpoint, ${name}, 'risk', id, model, version, 'live', 100, ${clock.now}
          from deployment where endpoint = ${`e-${name}`} and role <> 'live' and ended_at is null`,
        sql`update deployment set role = 'live', share_percent = 100
          where endpoint = ${`e-${name}`} and role <> 'live' and ended_at is null`,
      );
    },
    goLive: async (name, version) => await run(...end(name, 'live'), ...insertDeployment(name, version, 'live')),
    async recordDrill(name, check, passed = true) {
      const endpoint = { id: `e-${name}`, name, team: 'risk' };
      const found = { endpoint, check, source: 'drill' as const, model: modelOf(name), version: 1 };
      await database.inTransaction(
        async (tx) => await readiness.recordEvidence(tx, ana, { ...found, passed, summary: 'it was tried', figures }),
      );
    },
    async lookTwice() {
      await readiness.look();
      clock.now += everyMs;
      await readiness.look();
    },
  };
}

/** Asks for production, and has it approved by those who are named. */
export async function submitAndApprove(
  { readiness }: ReadinessRoom,
  name: string,
  approvers: readonly Caller[] = [cleo],
  version?: number,
): Promise<string> {
  const submission = await readiness.submit(bob, name, { version, note: 'please' });
  for (const approver of approvers)
    await readiness.approve(approver, submission.id, {
      reason: 'I looked at all of it',
      evidenceDigest: submission.evidenceDigest,
    });
  return submission.id;
}
