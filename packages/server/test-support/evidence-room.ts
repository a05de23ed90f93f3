import { sql } from 'kysely';
import { type NewEntry, createLedger } from '../src/ledger/index.ts';
import type { NewNotification } from '../src/notifications/index.ts';
import { createIds, systemClock } from '../src/platform/clock/index.ts';
import type { Database } from '../src/platform/database/index.ts';
import { type EvidenceRoom, createEvidence } from '../src/readiness/evidence-room.ts';
import { decidingIdentity } from './identity.ts';

/** Evidence and waivers on a real database, with the real rules of who may do what. */
export interface EvidenceTestRoom {
  readonly evidence: EvidenceRoom;
  readonly entries: NewEntry[];
  readonly told: NewNotification[];
  /** How often standings were to be judged again. */
  readonly changes: { count: number };
  /** The time of the room; at first that of now. */
  readonly clock: { now: number };
  /** An endpoint of team `risk`; answers its id. */
  addEndpoint(name: string, options?: { kind?: 'served' | 'observed'; runbook?: string | null }): Promise<string>;
}

export async function openEvidenceRoom(database: Database): Promise<EvidenceTestRoom> {
  const execute = async (statement: ReturnType<typeof sql>): Promise<void> =>
    await database.inTransaction(async (tx) => void (await statement.execute(tx)));
  await execute(sql`insert into team (name, created_at) values ('risk', 0), ('sales', 0)`);
  const ledger = createLedger({ clock: systemClock });
  const entries: NewEntry[] = [];
  const told: NewNotification[] = [];
  const changes = { count: 0 };
  const clock = { now: Date.now() };
  const evidence = createEvidence({
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
    clock: { ...systemClock, now: () => clock.now },
    newId: createIds(systemClock),
    onChange: () => {
      changes.count += 1;
    },
  });
  return {
    evidence,
    entries,
    told,
    changes,
    clock,
    async addEndpoint(name, { kind = 'served', runbook = null } = {}) {
      const id = `e-${name}`;
      await execute(
        sql`insert into endpoint (id, name, team, kind, runbook, description, tags, limits, revision, touched, created_at, created_by)
          values (${id}, ${name}, 'risk', ${kind}, ${runbook}, '', '{}', '{}', 1, 1, 1, 'ana')`,
      );
      return id;
    },
  };
}
