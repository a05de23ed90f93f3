import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { deploy, handOver } from './support/hand-over.ts';
import { type Place, type RunningMuster, makePlace, removePlace, root, startMuster } from './support/muster.ts';
import { until } from './support/until.ts';

const fixtures = join(root, 'packages/runtime-onnx/fixtures');
const hangMs = 2000;

describe('ready', () => {
  let place: Place;
  let muster: RunningMuster;
  beforeAll(async () => {
    place = await makePlace();
    muster = await startMuster(place, { flags: ['--runners-hang-ms', String(hangMs)] });
  });
  afterAll(async () => {
    await muster.stop();
    await removePlace(place);
  });

  const isReady = async (endpoint: string): Promise<boolean> =>
    (await muster.client.request(`/v2/models/${endpoint}/ready`)).status === 200;
  const infer = async (endpoint: string, request: unknown): Promise<Response> =>
    await muster.client.request(`/v2/models/${endpoint}/infer`, { method: 'POST', body: JSON.stringify(request) });

  it('ends when a replica no longer answers, and comes back after the runner was started again', async () => {
    await handOver(muster.client, 'looping', join(fixtures, 'slow-loop.onnx'));
    expect(await isReady('looping')).toBe(true);
    const steps = { name: 'steps', datatype: 'INT64', shape: [1, 1], data: [100_000] };
    const late = await infer('looping', { parameters: { timeout: 200_000 }, inputs: [steps] });
    expect(late.status).toBe(504);
    await until('the hung replica is not ready', 10 * hangMs, async () => !(await isReady('looping')));
    await until('another one is', 20 * hangMs, async () => await isReady('looping'));
    expect((await infer('looping', { inputs: [{ ...steps, data: [1] }] })).status).toBe(200);
  });

  it('ends for a version that keeps crashing: it is quarantined, and deploying it again takes force', async () => {
    await handOver(muster.client, 'fragile', join(fixtures, 'crash-on-row.onnx'));
    const row = (value: number): unknown => ({
      inputs: [{ name: 'x', datatype: 'INT32', shape: [1, 1], data: [value] }],
    });
    await until('the version is quarantined', 60_000, async () => {
      await infer('fragile', row(-2_147_483_648));
      const endpoint = await muster.client.call('endpointGet', { params: { endpoint: 'fragile' } });
      return endpoint.deployments.some((deployment) => deployment.state === 'quarantined');
    });
    await until('its callers are told', 10_000, async () => (await infer('fragile', row(1))).status === 503);
    expect(await (await infer('fragile', row(1))).text()).toContain('quarantine');
    const again = { model: 'fragile', version: 1 };
    await expect(muster.client.call('deploy', { params: { endpoint: 'fragile' }, body: again })).rejects.toMatchObject({
      code: 'version_quarantined',
    });
    await deploy(muster.client, 'fragile', { ...again, force: 'fragile' });
    expect((await infer('fragile', row(7))).status).toBe(200);
  });
});
