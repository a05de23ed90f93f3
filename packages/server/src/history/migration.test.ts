import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type TestDatabase, databaseKinds, openTestDatabase } from '../../test-support/database.ts';
import { callerOf, until } from '../../test-support/deployments/deployments-room.ts';
import { type HistoryRoom, openHistoryRoom } from '../../test-support/history-room.ts';
import type { DeploymentTables } from '../deployments/index.ts';
import { standingStore } from '../standing/store.ts';
import { readMigrations } from '../platform/database/migrate.ts';
import { statementsOf } from '../platform/database/migration-sql.ts';

const ana = callerOf('default');

describe.each(databaseKinds)('the migration to a history on %s', (kind) => {
  let opened: TestDatabase;
  let its: HistoryRoom;
  beforeAll(async () => {
    opened = await openTestDatabase(kind);
    its = await openHistoryRoom(opened.database);
  });
  afterAll(async () => {
    await its.room.deployments.reconciler.drain();
    await opened.close();
  });

  const fills = statementsOf(readMigrations().find(({ name }) => name === '0010-history')?.text ?? '', kind).filter(
    (statement) => statement.startsWith('insert into endpoint_history'),
  );
  const open = async (): Promise<readonly string[]> => {
    const rows = await opened.database.reader
      .withTables<DeploymentTables>()
      .selectFrom('endpoint_history')
      .selectAll()
      .where('until_at', 'is', null)
      .execute();
    return rows.map((row) => `${row.name} ${row.deployment} ${row.role} ${row.share_percent}`).toSorted();
  };

  test('opens an interval for everything that serves, as the routing table of the moment says', async () => {
    await its.deploy('alone', 1);
    await its.deploy('shared', 1);
    await its.deploy('shared', 2, { role: 'canary', sharePercent: 12.5 });
    await its.deploy('shared', 3, { role: 'shadow', sharePercent: 50 });
    await its.deploy('gone', 1);
    await its.room.deployments.deleteEndpoint(ana, 'gone');
    its.room.fleet.behave('m-9', 'failed');
    await its.deploy('failed', 9);
    await its.deploy('crashed', 7);
    await its.deploy('crashed', 8, { role: 'canary', sharePercent: 30 });
    const [live] = its.room.fleet.table()?.endpoints.find(({ name }) => name === 'crashed')?.deployments ?? [];
    const replica = live?.replicas[0]?.id ?? '';
    const incident = { at: Date.now(), deployment: live?.id ?? '', replica, kind: 'confirmed' } as const;
    its.room.fleet.report([incident, incident, incident]);
    await until('live is stopped', async () => (await its.at(its.moment(), 'crashed')).length === 1);
    await its.room.deployments.reconciler.drain();

    const kept = await open();
    expect(kept).toHaveLength(5);
    await opened.database.inTransaction(async (tx) => {
      await sql`delete from endpoint_history`.execute(tx);
      for (const fill of fills) await sql.raw(fill).execute(tx);
    });
    expect(await open()).toEqual(kept);
  });

  test('gives each endpoint that was there the owner who made it, and nothing else that nobody said', async () => {
    const text = readMigrations().find(({ name }) => name === '0011-use-cases')?.text ?? '';
    const owns = statementsOf(text, kind).filter((statement) => statement.startsWith('update endpoint'));
    expect(owns).toHaveLength(1);
    await opened.database.inTransaction(async (tx) => {
      await sql`update endpoint set owner = null`.execute(tx);
      for (const statement of owns) await sql.raw(statement).execute(tx);
    });
    const endpoint = await its.room.deployments.getEndpoint(ana, 'shared');
    expect(endpoint).toMatchObject({
      kind: 'served',
      owner: { id: 'ana' },
      useCase: null,
      objective: null,
      runbook: null,
    });
  });

  test('takes no callers from what was there before endpoints had to stand', async () => {
    const heldBack = async () => (await standingStore.neverStood(opened.database.reader)).map(({ name }) => name);
    expect(await heldBack()).toContain('shared');
    const text = readMigrations().find(({ name }) => name === '0012-standing')?.text ?? '';
    const spares = statementsOf(text, kind).filter((statement) => statement.startsWith('update endpoint'));
    expect(spares).toHaveLength(1);
    await opened.database.inTransaction(async (tx) => {
      for (const statement of spares) await sql.raw(statement).execute(tx);
    });
    expect(await heldBack()).toEqual([]);
  });

  test('knows who made what serves, and says that the entry is not known', async () => {
    expect((await its.at(its.moment(), 'shared')).toSorted()).toEqual([
      'canary m:2 12.5 Ana',
      'live m:1 87.5 Ana',
      'shadow m:3 50 Ana',
    ]);
    const [before, ...now] = await its.all('shared');
    expect(before?.decision).toEqual({ by: { id: 'ana', name: 'Ana' }, action: null, entry: null });
    expect(before).toMatchObject({
      role: 'live',
      version: 1,
      sharePercent: 100,
      end: { by: { id: 'ana' }, entry: null },
    });
    const beginOf = (role: string): string | undefined => now.find((interval) => interval.role === role)?.from;
    expect([beginOf('live'), beginOf('canary')]).toEqual([before?.until, before?.until]);
  });

  test('what it opened ends by what is decided from then on', async () => {
    await its.room.deployments.deleteEndpoint(ana, 'shared');
    const [, ...intervals] = await its.all('shared');
    expect(
      intervals.map(({ until: end, end: decision }) => [end === null, decision?.action, decision?.by?.id]),
    ).toEqual(intervals.map(() => [false, 'endpoint.delete', 'ana']));
  });
});
