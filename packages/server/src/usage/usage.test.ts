import { MusterError } from '@muster-ml/protocol';
import fc from 'fast-check';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { type TestDatabase, databaseKinds, openTestDatabase } from '../../test-support/database.ts';
import { callerWith } from '../../test-support/identity.ts';
import { aCount, aUsageRoom, hour } from '../../test-support/usage-room.ts';
import type { UsageReport } from '../serving/index.ts';
import { dayMs, dayOf, hourMs } from './hours.ts';

const day = dayOf(hour);
const query = { hours: 24, limit: 100 };
const auditor = callerWith({ teams: { risk: ['auditor'] }, platformRoles: ['auditor'] });

function aReport(sequence: number, overrides: Partial<UsageReport> = {}): UsageReport {
  return { stream: 's', sequence, counts: [], quotas: [], ...overrides };
}

describe.each(databaseKinds)('usage on %s', (kind) => {
  let opened: TestDatabase;
  beforeAll(async () => {
    opened = await openTestDatabase(kind);
  });
  afterEach(async () => {
    await opened.database.inTransaction(async (tx) => {
      type Tables = { usage_hour: object; usage_quota: object; usage_stream: object };
      for (const table of ['usage_hour', 'usage_quota', 'usage_stream'] as const)
        await tx.withTables<Tables>().deleteFrom(table).execute();
    });
  });
  afterAll(async () => {
    await opened.close();
  });

  test('adds up by actor and version, those with most calls first', async () => {
    const { usage } = aUsageRoom(opened.database);
    await usage.keep(aReport(1, { counts: [aCount(), aCount({ actor: 'ben', requests: 6, serverErrors: 2 })] }));
    await usage.keep(
      aReport(2, { counts: [aCount({ refused: 3, lastAt: hour + 900 }), aCount({ version: '2', requests: 0 })] }),
    );
    const found = await usage.readCallers(auditor, 'e', query);
    expect(found).toMatchObject({
      from: '2026-11-29T09:00:00.000Z',
      total: { requests: 8, serverErrors: 2, clientErrors: 0, refused: 3, rows: 8, runMs: 2 },
      omitted: 0,
    });
    expect(found.callers.map(({ actor, requests, refused }) => [actor, requests, refused])).toEqual([
      ['ben', 6, 0],
      ['ana', 2, 3],
    ]);
    const ana = found.callers.find(({ actor }) => actor === 'ana');
    expect(ana).toMatchObject({ name: 'name of ana', lastCallAt: '2026-11-30T09:00:00.900Z' });
    expect(ana?.versions.map(({ version, requests }) => [version, requests])).toEqual([
      ['1', 2],
      ['2', 0],
    ]);
  });

  test('adds each report once, however often and late it comes, also from another process', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.record({ gateway: fc.constantFrom('g1', 'g2'), copies: fc.integer({ min: 1, max: 3 }) }), {
          maxLength: 8,
        }),
        fc.uuid(),
        async (reports, run) => {
          const controls = [aUsageRoom(opened.database), aUsageRoom(opened.database)];
          const sequences = new Map<string, number>();
          const endpoint = `e-${run}`;
          for (const [index, { gateway, copies }] of reports.entries()) {
            const sequence = (sequences.get(gateway) ?? 0) + 1;
            sequences.set(gateway, sequence);
            const report = aReport(sequence, { stream: `${gateway} ${run}`, counts: [aCount({ endpoint })] });
            for (let copy = 0; copy < copies; copy += 1)
              expect(await controls[(index + copy) % 2]?.usage.keep(report)).toMatchObject({ sequence });
          }
          const use = await controls[0]?.usage.endpointUse(24);
          expect(use?.find((one) => one.endpoint === endpoint)?.requests ?? 0).toBe(reports.length);
        },
      ),
      { numRuns: 15 },
    );
  });

  test('a gateway that starts again begins a new stream, whose numbers begin again', async () => {
    const { usage } = aUsageRoom(opened.database);
    for (const stream of ['first', 'second']) await usage.keep(aReport(1, { stream, counts: [aCount()] }));
    expect((await usage.readCallers(auditor, 'e', query)).total.requests).toBe(2);
  });

  test('a report of 5,000 keys is kept whole, and the busiest callers are named', async () => {
    const { usage } = aUsageRoom(opened.database);
    const counts = Array.from({ length: 5000 }, (_, index) => aCount({ actor: `a${index}` }));
    await usage.keep(aReport(1, { counts }));
    const found = await usage.readCallers(auditor, 'e', { hours: 1, limit: 3 });
    expect([found.total.requests, found.callers.length, found.omitted]).toEqual([5000, 3, 4997]);
  });

  test('quotas add up over gateways, and a new control knows the day', async () => {
    const first = aUsageRoom(opened.database);
    const quota = { endpoint: 'e', actor: 'ana', day, requests: 3 };
    expect((await first.usage.keep(aReport(1, { stream: 'g1', quotas: [quota] }))).used).toEqual([quota]);
    const other = await first.usage.keep(aReport(1, { stream: 'g2', quotas: [{ ...quota, requests: 4 }] }));
    expect(other.used).toEqual([{ ...quota, requests: 7 }]);
    // One that only asks.
    const asked = await first.usage.keep(aReport(2, { stream: 'g1', quotas: [{ ...quota, requests: 0 }] }));
    expect(asked.used).toEqual([{ ...quota, requests: 7 }]);
    const restarted = aUsageRoom(opened.database);
    expect(restarted.usage.usedToday()).toEqual([]);
    await restarted.usage.start();
    expect(restarted.usage.usedToday()).toEqual([{ ...quota, requests: 7 }]);
    restarted.now += dayMs;
    expect(restarted.usage.usedToday()).toEqual([]);
  });

  test('what came again counts towards no quota twice', async () => {
    const { usage } = aUsageRoom(opened.database);
    const report = aReport(1, { quotas: [{ endpoint: 'e', actor: 'ana', day, requests: 3 }] });
    await usage.keep(report);
    expect((await usage.keep(report)).used).toEqual(report.quotas);
  });

  test('shows the names of callers, whom the team of the endpoint let in', async () => {
    const { usage } = aUsageRoom(opened.database);
    await usage.keep(aReport(1, { counts: [aCount(), aCount({ actor: 'ben' }), aCount({ actor: 'other' })] }));
    const { callers } = await usage.readCallers(callerWith({ teams: { risk: ['operator'] } }), 'e', query);
    expect(callers.map(({ actor, name }) => [actor, name])).toEqual([
      ['ana', 'name of ana'],
      ['ben', 'name of ben'],
      ['other', null],
    ]);
  });

  test('what one may not see does not exist, and who only sees it may not ask', async () => {
    const { usage } = aUsageRoom(opened.database);
    const outcomeFor = async (caller: Parameters<typeof usage.readCallers>[0], name: string): Promise<unknown> =>
      await usage.readCallers(caller, name, query).then(
        () => 'read',
        (error: unknown) => (error instanceof MusterError ? error.message : error),
      );
    const stranger = callerWith({ teams: { sales: ['operator'] } });
    expect(await outcomeFor(stranger, 'e')).toBe(String(await outcomeFor(stranger, 'x')).replace('x', 'e'));
    expect(await outcomeFor(callerWith({ teams: { risk: ['viewer'] } }), 'e')).toContain('not yours');
    expect(await outcomeFor(callerWith({ teams: { risk: ['data-scientist'] } }), 'e')).toBe('read');
  });

  test('callers of a name when it was another team’s stay that team’s', async () => {
    const { usage } = aUsageRoom(opened.database);
    await usage.keep(aReport(1, { counts: [aCount({ team: 'sales' }), aCount({ requests: 9 })] }));
    expect((await usage.readCallers(auditor, 'e', query)).total.requests).toBe(9);
  });

  test('is counted from the begin of an hour, and kept for 400 days', async () => {
    const room = aUsageRoom(opened.database);
    await room.usage.keep(aReport(1, { counts: [aCount(), aCount({ hour: hour - 2 * hourMs })] }));
    expect((await room.usage.readCallers(auditor, 'e', { hours: 1, limit: 1 })).total.requests).toBe(1);
    expect((await room.usage.readCallers(auditor, 'e', { hours: 2, limit: 1 })).total.requests).toBe(2);
    const all = { hours: 9600, limit: 1 };
    room.now = hour + 400 * dayMs - 2 * hourMs;
    await room.usage.sweep();
    expect((await room.usage.readCallers(auditor, 'e', all)).total.requests).toBe(2);
    room.now += hourMs;
    await room.usage.sweep();
    expect((await room.usage.readCallers(auditor, 'e', all)).total.requests).toBe(1);
  });

  test('says of every endpoint how it was used', async () => {
    const { usage } = aUsageRoom(opened.database);
    await usage.keep(
      aReport(1, {
        counts: [
          aCount({ requests: 5, clientErrors: 1, serverErrors: 2 }),
          aCount({ actor: 'ben' }),
          aCount({ endpoint: 'f', team: 'sales' }),
        ],
      }),
    );
    expect(await usage.endpointUse(24)).toEqual([
      { endpoint: 'e', team: 'risk', requests: 6, errors: 3, callers: 2 },
      { endpoint: 'f', team: 'sales', requests: 1, errors: 0, callers: 1 },
    ]);
  });
});
