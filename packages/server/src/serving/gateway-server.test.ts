import { once } from 'node:events';
import { connect } from 'node:net';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { createFakeControl } from '../../test-support/fake-control.ts';
import type { FakeModel } from '../../test-support/fake-runner.ts';
import {
  aGateway,
  aSystem,
  atEnd,
  call,
  doubled,
  endGateways,
  grants,
  infer,
  narrow,
  token,
  until,
  valuesFor,
} from '../../test-support/gateway-twins.ts';
import { aDeployment, aTable, anEndpoint } from '../../test-support/serving-twins.ts';
import { createGateway } from './gateway-server.ts';

afterEach(endGateways);

describe('the gateway', () => {
  test('answers predictions by the table of control', async () => {
    const { gateway } = await aSystem();
    const answer = await infer(gateway, 21);
    expect(answer.status).toBe(200);
    expect(JSON.parse(answer.body)).toMatchObject({ outputs: [{ name: 'output', data: [42] }] });
  });

  test('goes on without control, also over a restart of its own', async () => {
    const { gateway, control } = await aSystem();
    expect((await infer(gateway, 1)).status).toBe(200);
    control.kill();
    expect((await infer(gateway, 1)).status).toBe(200);
    await gateway.stop();
    const again = await aGateway(control);
    await vi.waitFor(async () => expect((await infer(again, 1)).status).toBe(200), until);
  });

  test('forgets a revoked token with the next table, within a second', async () => {
    const { gateway, control, runner } = await aSystem();
    expect((await infer(gateway, 1)).status).toBe(200);
    const startedMs = performance.now();
    control.hub.publish(aTable(2, [anEndpoint('e', [aDeployment('d', runner.address)])], { tokens: grants.slice(1) }));
    await vi.waitFor(async () => expect((await infer(gateway, 1)).status).toBe(401), until);
    expect(performance.now() - startedMs).toBeLessThan(1000);
  });

  test('hides an endpoint from a token that does not reach it', async () => {
    const { gateway } = await aSystem();
    expect((await infer(gateway, 1, narrow)).status).toBe(404);
  });

  test('is alive always, and ready while it has a table and does not drain', async () => {
    const { gateway } = await aSystem();
    expect((await call(gateway, 'GET', '/livez')).status).toBe(200);
    expect(JSON.parse((await call(gateway, 'GET', '/readyz')).body)).toEqual({ status: 'ready' });
    const lone = createFakeControl();
    atEnd(() => lone.stop());
    const starting = createGateway(valuesFor(lone));
    atEnd(() => starting.stop());
    await starting.start();
    const answer = await call(starting, 'GET', '/readyz');
    expect(answer.status).toBe(503);
    expect(answer.body).toContain('no routing table');
    expect((await call(starting, 'GET', '/livez')).status).toBe(200);
    expect((await call(starting, 'POST', '/livez')).status).toBe(405);
  });

  test('finishes what it accepted when it drains, and takes nothing new', async () => {
    let release = (): void => undefined;
    const held: FakeModel = async (inputs, run) => {
      await new Promise<void>((resolve) => (release = resolve));
      return await doubled(inputs, run);
    };
    const { gateway, runner } = await aSystem(held);
    const answer = infer(gateway, 4);
    await vi.waitFor(() => expect(runner.runs).toHaveLength(1), until);
    const drained = gateway.drain(5000);
    await expect(infer(gateway, 5)).rejects.toThrow(/ECONNREFUSED|ECONNRESET|hang up/);
    release();
    const { status, headers } = await answer;
    expect([status, headers.connection]).toEqual([200, 'close']);
    expect(await drained).toBe(true);
  });

  test('drains no longer than it is told', async () => {
    const { gateway, runner } = await aSystem(() => new Promise(() => undefined));
    const answer = infer(gateway, 4).catch(() => undefined);
    await vi.waitFor(() => expect(runner.runs).toHaveLength(1), until);
    expect(await gateway.drain(20)).toBe(false);
    await gateway.stop();
    await answer;
  });

  test('names the port that is taken', async () => {
    const { gateway, control } = await aSystem();
    const other = createGateway({ ...valuesFor(control), port: Number(new URL(gateway.address).port) });
    await expect(other.start()).rejects.toThrow(expect.objectContaining({ code: 'port_taken' }));
    await other.stop();
  });

  test('answers what is no HTTP with 400, and oversized headers with 431', async () => {
    const { gateway } = await aSystem();
    for (const [sent, status] of [
      ['no http\r\n\r\n', '400'],
      [`GET / HTTP/1.1\r\nx: ${'x'.repeat(40_000)}\r\n\r\n`, '431'],
    ] as const) {
      const socket = connect(Number(new URL(gateway.address).port), '127.0.0.1');
      socket.write(sent);
      const [first] = (await once(socket, 'data')) as [Buffer];
      expect(first.toString()).toContain(`HTTP/1.1 ${status}`);
      socket.destroy();
    }
  });

  test('tells its metrics and those of control as one valid text', async () => {
    const ofControl = '# HELP process_x X.\n# TYPE process_x gauge\nprocess_x{process="control"} 1\n';
    const { gateway, control } = await aSystem(
      doubled,
      (request, response) => response.end(request.url === '/metrics' ? ofControl : ''),
      {
        openMetrics: true,
        processMetrics: async () => '# HELP process_x X.\n# TYPE process_x gauge\nprocess_x{process="gateway"} 2\n',
      },
    );
    for (let turn = 0; turn < 3; turn += 1) await infer(gateway, turn);
    const { body } = await call(gateway, 'GET', '/metrics');
    expect(body).toContain('muster_requests_total{endpoint="e",version="1",code="200",process="gateway"} 3');
    expect(body).toContain('muster_batch_rows_count{deployment="d",model="numbers",version="1",process="gateway"} 3');
    expect(body).toContain('# TYPE process_x gauge\nprocess_x{process="gateway"} 2\nprocess_x{process="control"} 1\n');
    expect(body.match(/# TYPE process_x/g)).toHaveLength(1);
    control.kill();
    expect((await call(gateway, 'GET', '/metrics')).status).toBe(200);
  });

  test.each([{ host: '127.0.0.1' }, { host: '0.0.0.0', openMetrics: true }])(
    'tells metrics to those who see every endpoint only, with %o',
    async (values) => {
      const { gateway } = await aSystem(doubled, undefined, values);
      expect((await call(gateway, 'GET', '/metrics')).status).toBe(401);
      const statusFor = async (bearer: string): Promise<number> =>
        (await call(gateway, 'GET', '/metrics', { headers: { authorization: `Bearer ${bearer}` } })).status;
      expect([await statusFor(narrow), await statusFor(token)]).toEqual([403, 200]);
    },
  );
});
