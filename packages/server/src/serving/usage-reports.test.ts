import { readFileSync } from 'node:fs';
import { afterEach, describe, expect, test, vi } from 'vitest';
import type { FakeControl } from '../../test-support/fake-control.ts';
import {
  type System,
  aGateway,
  aSystem,
  call,
  doubled,
  endGateways,
  grants,
  infer,
  narrow,
  token,
  until,
} from '../../test-support/gateway-twins.ts';
import { aDeployment, aTable, anEndpoint } from '../../test-support/serving-twins.ts';
import type { CallLimit } from '../identity/index.ts';
import { systemClock } from '../platform/clock/index.ts';
import type { Gateway } from './gateway-server.ts';
import type { QuotaUse, UsageCount, UsageKeeper, UsageReport } from './usage-report.ts';

afterEach(endGateways);

/** Keeps reports in memory as control does in its database: each number of a stream once. */
function aKeeper(): UsageKeeper & {
  readonly counts: UsageCount[];
  readonly reports: UsageReport[];
  failures: number;
} {
  const sequences = new Map<string, number>();
  const quotas = new Map<string, QuotaUse>();
  const keyOf = ({ day, endpoint, actor }: QuotaUse): string => `${day} ${endpoint} ${actor}`;
  return {
    counts: [],
    reports: [],
    failures: 0,
    async keep(report) {
      this.reports.push(report);
      const { stream, sequence } = report;
      if ((sequences.get(stream) ?? 0) < sequence) {
        sequences.set(stream, sequence);
        this.counts.push(...report.counts);
        for (const quota of report.quotas) {
          const known = quotas.get(keyOf(quota))?.requests ?? 0;
          quotas.set(keyOf(quota), { ...quota, requests: known + quota.requests });
        }
      }
      // As if the answer got lost behind the commit.
      if (this.failures-- > 0) throw new Error('the database does not answer');
      return await Promise.resolve({
        stream,
        sequence,
        used: report.quotas.map((quota) => quotas.get(keyOf(quota)) ?? quota),
      });
    },
    usedToday: () => [...quotas.values()],
  };
}

async function aCountedSystem(
  limits: readonly CallLimit[] = [],
  overrides: Parameters<typeof aSystem>[2] = {},
): Promise<System & { readonly keeper: ReturnType<typeof aKeeper> }> {
  const system = await aSystem(doubled, undefined, overrides);
  const keeper = aKeeper();
  system.control.hub.keepUsage(keeper);
  publish(system, 2, limits);
  await vi.waitFor(async () => expect(await tableOf(system.gateway)).toBe('2'), until);
  return { ...system, keeper };
}

function publish({ control, runner }: System, version: number, limits: readonly CallLimit[]): void {
  const endpoint = anEndpoint('e', [aDeployment('d', runner.address)]);
  control.hub.publish(aTable(version, [endpoint], { tokens: grants, limits }));
}

async function metricsOf(gateway: Gateway): Promise<string> {
  return (await call(gateway, 'GET', '/metrics', { headers: { authorization: `Bearer ${token}` } })).body;
}

async function tableOf(gateway: Gateway): Promise<string | undefined> {
  const text = await metricsOf(gateway);
  return /^muster_routing_table_version\{.*\} (\d+)$/m.exec(text)?.[1];
}

const quotaOf = (requestsPerDay: number): CallLimit => ({
  endpoint: 'e',
  actor: 'a',
  ratePerSecond: null,
  requestsPerDay,
});

async function statuses(gateway: Gateway, count: number): Promise<number[]> {
  const found: number[] = [];
  for (let turn = 0; turn < count; turn += 1) found.push((await infer(gateway, 1)).status);
  return found;
}

const sumOf = (counts: readonly UsageCount[]): number => counts.reduce((sum, { requests }) => sum + requests, 0);

describe('usage', () => {
  test('is told with caller, endpoint, version, rows and run time; what was refused by authorization is not in it', async () => {
    const { gateway, keeper } = await aCountedSystem();
    await statuses(gateway, 3);
    expect((await infer(gateway, 1, narrow)).status).toBe(404);
    await vi.waitFor(() => expect(sumOf(keeper.counts)).toBe(3), until);
    for (const count of keeper.counts)
      expect(count).toMatchObject({ endpoint: 'e', team: 'default', model: 'numbers', version: '1', actor: 'a' });
    expect(keeper.counts.reduce((sum, { rows }) => sum + rows, 0)).toBe(3);
  });

  test('whose keeping was not confirmed is told again, and added once', async () => {
    const { gateway, keeper } = await aCountedSystem();
    keeper.failures = 2;
    await statuses(gateway, 5);
    await vi.waitFor(() => expect(keeper.reports.length).toBeGreaterThanOrEqual(3), until);
    await statuses(gateway, 2);
    await vi.waitFor(() => expect(sumOf(keeper.counts)).toBe(7), until);
  });

  test('goes on to be counted while control is away, and is told when it is back', async () => {
    const { gateway, control } = await aCountedSystem();
    control.kill();
    expect(await statuses(gateway, 4)).toEqual([200, 200, 200, 200]);
    await control.start();
    const keeper = aKeeper();
    control.hub.keepUsage(keeper);
    await vi.waitFor(() => expect(sumOf(keeper.counts)).toBe(4), until);
  });

  test('of a gateway that is drained is told before it ends', async () => {
    const { gateway, keeper } = await aCountedSystem();
    await statuses(gateway, 6);
    await gateway.drain(1000);
    expect(sumOf(keeper.counts)).toBe(6);
  });
});

describe('a daily quota', () => {
  test('counts over all gateways', async () => {
    const { gateway, control, keeper } = await aCountedSystem([quotaOf(5)]);
    const second = await aGateway(control, { gatewayId: 'g2', tableFile: `${control.folder}/second.json` });
    expect(await statuses(gateway, 4)).toEqual([200, 200, 200, 200]);
    await vi.waitFor(() => expect(keeper.usedToday()[0]?.requests).toBe(4), until);
    // The second gateway lets in what it knows of, and hears with its next report what the first did.
    expect((await infer(second, 1)).status).toBe(200);
    await vi.waitFor(async () => expect((await infer(second, 1)).status).toBe(429), until);
    await vi.waitFor(async () => expect((await infer(gateway, 1)).status).toBe(429), until);
  });

  test('goes on where it was when a gateway starts again', async () => {
    const { gateway, control, keeper } = await aCountedSystem([quotaOf(5)]);
    await statuses(gateway, 3);
    await gateway.drain(1000);
    await gateway.stop();
    expect(keeper.usedToday()[0]?.requests).toBe(3);
    const again = await aGateway(control, { gatewayId: 'g1', tableFile: `${control.folder}/new.json` });
    expect(await statuses(again, 4)).toEqual([200, 200, 429, 429]);
  });

  test('that is used up stays so when a gateway starts while control is away', async () => {
    const { gateway, control, keeper } = await aCountedSystem([quotaOf(2)]);
    expect(await statuses(gateway, 3)).toEqual([200, 200, 429]);
    await vi.waitFor(() => expect(keeper.usedToday()[0]?.requests).toBe(2), until);
    await vi.waitFor(() => expect(keptUse(control)).toBe(2), until);
    control.kill();
    await gateway.stop();
    const again = await aGateway(control, { gatewayId: 'g1' });
    expect((await infer(again, 1)).status).toBe(429);
  });

  test('says when to come again', async () => {
    const { gateway } = await aCountedSystem([quotaOf(1)]);
    await infer(gateway, 1);
    const { headers, body } = await infer(gateway, 1);
    expect(Number(headers['retry-after'])).toBeGreaterThan(0);
    expect(Number(headers['retry-after'])).toBeLessThanOrEqual(86_400);
    expect(body).toContain('quota_exceeded');
  });
});

test('a change of the limits counts from the table that brings it', async () => {
  const system = await aCountedSystem([quotaOf(1)]);
  expect(await statuses(system.gateway, 2)).toEqual([200, 429]);
  publish(system, 3, []);
  await vi.waitFor(async () => expect((await infer(system.gateway, 1)).status).toBe(200), until);
});

describe('while control is away', () => {
  test('decisions go on until the stated limit, by the last table, and then nothing is decided', async () => {
    let ahead = 0;
    const { gateway, control } = await aCountedSystem([], {
      staleAuthLimitMs: 60_000,
      clock: { ...systemClock, now: () => Date.now() + ahead },
    });
    control.kill();
    await vi.waitFor(async () => expect(await isConnected(gateway)).toBe(false), until);
    ahead = 50_000;
    expect([(await infer(gateway, 1)).status, (await infer(gateway, 1, narrow)).status]).toEqual([200, 404]);
    ahead = 70_000;
    const refused = await infer(gateway, 1);
    expect([refused.status, refused.headers['retry-after']]).toEqual([503, '5']);
    expect(refused.body).toContain('control_unavailable');
  });

  test('a token that was revoked before does nothing, also after a start from disk', async () => {
    const system = await aCountedSystem();
    const { gateway, control, runner } = system;
    const endpoint = anEndpoint('e', [aDeployment('d', runner.address)]);
    control.hub.publish(aTable(3, [endpoint], { tokens: grants.filter(({ actor }) => actor !== 'a') }));
    await vi.waitFor(async () => expect((await infer(gateway, 1, token)).status).toBe(401), until);
    await gateway.stop();
    control.kill();
    const again = await aGateway(control, { gatewayId: 'g1' });
    expect((await infer(again, 1, token)).status).toBe(401);
  });
});

async function isConnected(gateway: Gateway): Promise<boolean> {
  const text = await metricsOf(gateway);
  return /^muster_control_connected\{.*\} 1$/m.test(text);
}

/** What the table on disk says of the first quota. */
function keptUse(control: FakeControl): number | undefined {
  const table = JSON.parse(readFileSync(`${control.folder}/routing.json`, 'utf8')) as {
    readonly usedToday?: readonly QuotaUse[];
  };
  return table.usedToday?.[0]?.requests;
}
