import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { handOver } from './support/hand-over.ts';
import { type Load, startLoad } from './support/load.ts';
import {
  type Place,
  type RunningMuster,
  isAlive,
  makePlace,
  removePlace,
  root,
  startMuster,
} from './support/muster.ts';
import { until } from './support/until.ts';

const fixtures = join(root, 'packages/runtime-onnx/fixtures');

describe('kill -9', () => {
  let place: Place;
  let muster: RunningMuster;
  let load: Load | undefined;
  beforeEach(async () => {
    place = await makePlace();
    muster = await startMuster(place);
  });
  afterEach(async () => {
    await load?.stop();
    load = undefined;
    await muster.stop();
    await removePlace(place);
  });

  /** Each answer must be the row that this client sent in this call. */
  function identityLoad(endpoint: string): Load {
    const row = (client: number, call: number): number[] => [client, call % 10_000, 1];
    load = startLoad({
      url: muster.url,
      token: muster.token,
      endpoint,
      clients: 8,
      body: (client, call) =>
        JSON.stringify({ inputs: [{ name: 'x', datatype: 'FP32', shape: [1, 3], data: row(client, call) }] }),
      check: (body, client, call) => {
        const { outputs } = JSON.parse(body) as { outputs: { data: number[] }[] };
        expect(outputs[0]?.data).toEqual(row(client, call));
      },
    });
    return load;
  }

  async function more(count: number, of: Load, limitMs: number): Promise<void> {
    const goal = of.answered + count;
    await until(`${count} more answers`, limitMs, async () => of.answered >= goal);
  }

  async function killOne(role: 'control' | 'gateway' | 'runner'): Promise<number> {
    const [pid] = await muster.pids(role);
    if (pid === undefined) throw new Error(`no process of ${role}`);
    process.kill(pid, 'SIGKILL');
    return pid;
  }

  it('of a runner loses no accepted prediction', async () => {
    await handOver(muster.client, 'identity', join(fixtures, 'identity-fp32.onnx'));
    const running = identityLoad('identity');
    for (let round = 0; round < 3; round++) {
      await more(100, running, 20_000);
      const killed = await killOne('runner');
      await until('another runner', 20_000, async () => (await muster.pids('runner')).some((pid) => pid !== killed));
      await more(100, running, 20_000);
    }
    await running.stop();
    expect(running.failures).toEqual([]);
  });

  it('of control: predictions go on without a failure, and control comes back', async () => {
    await handOver(muster.client, 'identity', join(fixtures, 'identity-fp32.onnx'));
    const running = identityLoad('identity');
    await more(100, running, 20_000);
    const killed = await killOne('control');
    await more(500, running, 20_000);
    await until('another control', 30_000, async () =>
      (await muster.pids('control').catch(() => [killed])).some((pid) => pid !== killed),
    );
    await more(100, running, 20_000);
    await running.stop();
    expect(running.failures).toEqual([]);
  });

  it('of the gateway: it answers predictions again within a second', async () => {
    await handOver(muster.client, 'identity', join(fixtures, 'identity-fp32.onnx'));
    const body = JSON.stringify({ inputs: [{ name: 'x', datatype: 'FP32', shape: [1, 3], data: [1, 2, 3] }] });
    const predict = async (): Promise<boolean> => {
      const answer = await muster.client
        .request('/v2/models/identity/infer', { method: 'POST', body })
        .catch(() => undefined);
      return answer?.status === 200;
    };
    const tookMs: number[] = [];
    for (let round = 0; round < 3; round++) {
      const killed = await killOne('gateway');
      const killedAt = performance.now();
      await until('an answer', 10_000, predict);
      tookMs.push(performance.now() - killedAt);
      await until('a status with another gateway', 10_000, async () =>
        (await muster.pids('gateway').catch(() => [])).some((pid) => pid !== killed),
      );
    }
    const median = tookMs.toSorted((a, b) => a - b)[1];
    expect(median).toBeLessThan(1000);
  });

  it('of the supervisor: no process is left over, and a restart serves what was deployed', async () => {
    await handOver(muster.client, 'identity', join(fixtures, 'identity-fp32.onnx'));
    const tree = await muster.tree();
    expect(tree.length).toBeGreaterThanOrEqual(4);
    const [supervisor] = await muster.pids('supervisor');
    process.kill(supervisor ?? 0, 'SIGKILL');
    await until('all processes are gone', 10_000, async () =>
      (await Promise.all(tree.map(isAlive))).every((alive) => !alive),
    );
    muster = await startMuster(place);
    const body = JSON.stringify({ inputs: [{ name: 'x', datatype: 'FP32', shape: [1, 3], data: [4, 5, 6] }] });
    await until(
      'the endpoint answers',
      20_000,
      async () => (await muster.client.request('/v2/models/identity/infer', { method: 'POST', body })).status === 200,
    );
  });

  it('by a row that crashes the runtime hits nobody else', async () => {
    await handOver(muster.client, 'fragile', join(fixtures, 'crash-on-row.onnx'));
    await handOver(muster.client, 'identity', join(fixtures, 'identity-fp32.onnx'));
    const infer = async (value: number): Promise<Response> =>
      await muster.client.request('/v2/models/fragile/infer', {
        method: 'POST',
        body: JSON.stringify({ inputs: [{ name: 'x', datatype: 'INT32', shape: [1, 1], data: [value] }] }),
      });
    const neighbours = identityLoad('identity');
    const good = startLoad({
      url: muster.url,
      token: muster.token,
      endpoint: 'fragile',
      clients: 8,
      body: (client, call) =>
        JSON.stringify({
          inputs: [{ name: 'x', datatype: 'INT32', shape: [1, 1], data: [client * 1000 + (call % 1000)] }],
        }),
    });
    await more(100, neighbours, 20_000);
    const poison = await infer(-2_147_483_648);
    expect(poison.status).toBe(500);
    expect(await poison.text()).toContain('crash');
    await more(100, neighbours, 20_000);
    await more(100, good, 20_000);
    await Promise.all([neighbours.stop(), good.stop()]);
    expect(neighbours.failures).toEqual([]);
    expect(good.failures).toEqual([]);
  });
});
