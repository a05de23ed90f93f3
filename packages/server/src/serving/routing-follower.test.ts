import { readFileSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { request as httpRequest } from 'node:http';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { type FakeControl, createFakeControl } from '../../test-support/fake-control.ts';
import { aTable, anEndpoint, silentLog } from '../../test-support/serving-twins.ts';
import { systemClock } from '../platform/clock/index.ts';
import { RoutingFollower, type RoutingFollowerOptions } from './routing-follower.ts';
import type { GatewayReport, Incident, RoutingTable } from './routing-table.ts';

let control: FakeControl;
const followers: RoutingFollower[] = [];

beforeEach(async () => {
  control = createFakeControl();
  await control.start();
});

afterEach(async () => {
  for (const follower of followers.splice(0)) await follower.stop();
  await control.stop();
});

async function aFollower(
  options: Partial<RoutingFollowerOptions> = {},
): Promise<{ readonly follower: RoutingFollower; readonly tables: RoutingTable[]; readonly file: string }> {
  const tables: RoutingTable[] = [];
  const file = `${control.folder}/routing.json`;
  const follower = new RoutingFollower({
    control: control.address,
    token: control.token,
    gateway: 'g1',
    file,
    staleAuthLimitMs: 1000,
    clock: systemClock,
    log: silentLog,
    onTable: (table) => tables.push(table),
    report: () => ({ draining: [], ready: [], incidents: [] }),
    ...options,
  });
  followers.push(follower);
  await follower.start();
  return { follower, tables, file };
}

const until = { interval: 5, timeout: 5000 };

describe('the routing table', () => {
  test('reaches every gateway at once, and control hears who has applied what', async () => {
    control.hub.publish(aTable(1, []));
    const { follower, tables } = await aFollower();
    await vi.waitFor(() => expect(control.hub.gateways().map((report) => report.applied)).toEqual([1]), until);
    const startedMs = performance.now();
    control.hub.publish(aTable(2, [anEndpoint('e', [])]));
    await vi.waitFor(() => expect(control.hub.gateways().map((report) => report.applied)).toEqual([2]), until);
    expect(performance.now() - startedMs).toBeLessThan(1000);
    expect(tables.map((table) => table.version)).toEqual([1, 2]);
    expect(follower.isConnected).toBe(true);
  });

  test('is kept on disk, private and whole, and decides at once when a gateway starts without control', async () => {
    control.hub.publish(aTable(7, [anEndpoint('e', [])]));
    const { file, follower } = await aFollower();
    await vi.waitFor(() => expect(JSON.parse(readFileSync(file, 'utf8'))).toMatchObject({ version: 7 }), until);
    expect(statSync(file).mode & 0o777).toBe(0o600);
    await follower.stop();
    control.kill();
    const restarted = await aFollower();
    expect(restarted.tables.map((table) => table.version)).toEqual([7]);
    expect(restarted.follower.isConnected).toBe(false);
  });

  test('survives the death of control, and the next control finds the gateway again', async () => {
    control.hub.publish(aTable(1, []));
    const { follower, tables } = await aFollower();
    await vi.waitFor(() => expect(tables).toHaveLength(1), until);
    control.kill();
    await vi.waitFor(() => expect(follower.isConnected).toBe(false), until);
    expect(follower.appliedVersion).toBe(1);
    await control.start();
    await vi.waitFor(() => expect(control.hub.gateways().map((report) => report.applied)).toEqual([1]), until);
    control.hub.publish(aTable(2, []));
    await vi.waitFor(() => expect(follower.appliedVersion).toBe(2), until);
  });

  test('of another installation is refused, from control and from disk', async () => {
    control.hub.publish(aTable(1, [], { installation: 'other' }));
    const { follower, tables } = await aFollower({ installation: 'mine' });
    await vi.waitFor(() => expect(follower.isConnected).toBe(true), until);
    control.hub.publish(aTable(2, [], { installation: 'mine' }));
    await vi.waitFor(() => expect(tables.map((table) => table.version)).toEqual([2]), until);
    await follower.stop();
    expect((await aFollower({ installation: 'third' })).tables).toEqual([]);
  });

  test('that is damaged or too large on disk is as good as none; one too large from control breaks the stream', async () => {
    writeFileSync(`${control.folder}/routing.json`, '{"version": 1, "inst');
    control.hub.publish(aTable(1, [anEndpoint('e'.repeat(2000), [])]));
    const { follower, tables } = await aFollower({ maxTableBytes: 1000 });
    control.hub.publish(aTable(2, []));
    await vi.waitFor(() => expect(tables.map((table) => table.version)).toEqual([2]), until);
    expect(follower.appliedVersion).toBe(2);
  });

  test('is too old to decide by once control was not heard of for the limit, restarts included', async () => {
    control.hub.publish(aTable(1, []));
    const { file, follower } = await aFollower();
    await vi.waitFor(() => expect(statSync(file).size).toBeGreaterThan(0), until);
    expect(follower.isStale()).toBe(false);
    await follower.stop();
    control.kill();
    const longAgo = new Date(Date.now() - 60_000);
    utimesSync(file, longAgo, longAgo);
    const late = await aFollower();
    expect(late.tables).toHaveLength(1);
    expect(late.follower.isStale()).toBe(true);
    expect((await aFollower({ staleAuthLimitMs: 3_600_000 })).follower.isStale()).toBe(false);
  });
});

describe('reports', () => {
  test('tell each incident once, also when control was away', async () => {
    const heard: GatewayReport[] = [];
    const incidents: Incident[] = [{ at: 1, deployment: 'd', replica: 'r', kind: 'suspected' }];
    const { follower } = await aFollower({
      report: () => ({ draining: ['x'], ready: ['y'], incidents: incidents.splice(0) }),
    });
    control.hub.onReport((report) => heard.push(report));
    await vi.waitFor(() => expect(heard.length).toBeGreaterThan(0), until);
    follower.changed();
    await vi.waitFor(() => expect(heard.length).toBeGreaterThan(1), until);
    control.kill();
    await vi.waitFor(() => expect(follower.isConnected).toBe(false), until);
    incidents.push({ at: 2, deployment: 'd', replica: 'r', kind: 'confirmed' });
    follower.changed();
    await control.start();
    control.hub.onReport((report) => heard.push(report));
    await vi.waitFor(
      () => expect(heard.flatMap((report) => report.incidents).map((incident) => incident.at)).toEqual([1, 2]),
      until,
    );
    expect(control.hub.gateways()).toEqual([expect.objectContaining({ gateway: 'g1', draining: ['x'], ready: ['y'] })]);
  });

  test('give back the counts of those that do not arrive, and a gateway of an older release need not send any', async () => {
    const denial = { actor: 'a', token: 't', action: 'endpoint.predict', object: 'e', minute: 60_000, count: 3 };
    const untold = [denial];
    let mayArrive = false;
    const { follower } = await aFollower({
      report: () => {
        if (!mayArrive) control.kill();
        return {
          draining: [],
          ready: [],
          incidents: [],
          ...(untold.length === 0 ? {} : { denials: untold.splice(0) }),
        };
      },
      giveBack: ({ denials = [] }) => untold.push(...denials),
    });
    await vi.waitFor(() => expect(follower.isConnected).toBe(false), until);
    await vi.waitFor(() => expect(untold).toEqual([denial]), until);
    mayArrive = true;
    const heard: GatewayReport[] = [];
    await control.start();
    control.hub.onReport((report) => heard.push(report));
    await vi.waitFor(() => expect(heard.length).toBeGreaterThan(1), until);
    expect(heard.flatMap(({ denials = [] }) => denials)).toEqual([denial]);
    expect(heard.at(-1)).not.toHaveProperty('denials');
    expect(control.hub.gateways()[0]).not.toHaveProperty('denials');
  });

  test('that control cannot read are dropped, so that the next one arrives', async () => {
    const unreadable = { actor: '', token: 't', action: 'endpoint.predict', object: 'e', minute: 60_000, count: 3 };
    const untold = [unreadable];
    const givenBack: unknown[] = [];
    await aFollower({
      report: () => ({ draining: [], ready: ['y'], incidents: [], denials: untold.splice(0) }),
      giveBack: (facts) => givenBack.push(facts),
    });
    await vi.waitFor(() => expect(control.hub.gateways()).toEqual([expect.objectContaining({ ready: ['y'] })]), until);
    expect([untold, givenBack]).toEqual([[], []]);
  });

  test('come at least each second, and a gateway is connected only while its stream is', async () => {
    const { follower } = await aFollower();
    await vi.waitFor(() => expect(control.hub.gateways()).toHaveLength(1), until);
    let count = 0;
    control.hub.onReport(() => (count += 1));
    await vi.waitFor(() => expect(count).toBeGreaterThanOrEqual(2), until);
    await follower.stop();
    await vi.waitFor(() => expect(control.hub.gateways()).toEqual([]), until);
  });
});

describe("control's routes for gateways", () => {
  async function statusOf(method: string, path: string, headers: Record<string, string>, body = ''): Promise<number> {
    return await new Promise((resolve, reject) => {
      const request = httpRequest(
        { socketPath: control.address.slice(5), method, path, headers, agent: false },
        (response) => {
          resolve(response.statusCode ?? 0);
          response.destroy();
        },
      );
      request.on('error', reject);
      request.end(body);
    });
  }

  test('need the internal token, a name, and a report that can be read', async () => {
    const authorization = `Bearer ${control.token}`;
    expect(await statusOf('GET', '/internal/v1/routing', {})).toBe(401);
    expect(
      await statusOf('GET', '/internal/v1/routing', { authorization: 'Bearer wrong', 'x-muster-gateway': 'g' }),
    ).toBe(401);
    expect(await statusOf('GET', '/internal/v1/routing', { authorization })).toBe(400);
    expect(await statusOf('GET', '/internal/v1/routing', { authorization, 'x-muster-gateway': 'g' })).toBe(200);
    expect(await statusOf('POST', '/internal/v1/reports', {}, '{}')).toBe(401);
    expect(await statusOf('POST', '/internal/v1/reports', { authorization }, '{]')).toBe(400);
    const report: GatewayReport = {
      gateway: 'unheard of',
      startedAt: 0,
      applied: 0,
      draining: [],
      ready: [],
      incidents: [],
    };
    expect(await statusOf('POST', '/internal/v1/reports', { authorization }, JSON.stringify(report))).toBe(409);
  });
});
