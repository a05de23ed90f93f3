import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { deploy, handOver, registerFile, succeeded } from './support/hand-over.ts';
import { type Load, startLoad } from './support/load.ts';
import { type Place, type RunningMuster, makePlace, removePlace, root, startMuster } from './support/muster.ts';
import { until } from './support/until.ts';

const fixtures = join(root, 'packages/runtime-onnx/fixtures');
const endpoint = 'identity';
const body = JSON.stringify({ inputs: [{ name: 'x', datatype: 'FP32', shape: [1, 3], data: [1, 2, 3] }] });

describe('traffic under load', () => {
  let place: Place;
  let muster: RunningMuster;
  let load: Load;
  beforeAll(async () => {
    place = await makePlace();
    muster = await startMuster(place);
    await handOver(muster.client, endpoint, join(fixtures, 'identity-fp32.onnx'));
    // The same content again is another version: what is measured is the change, not the model.
    for (let version = 2; version <= 3; version++)
      await registerFile(muster.client, endpoint, join(fixtures, 'identity-fp32.onnx'));
  });
  afterAll(async () => {
    await load?.stop();
    await muster.stop();
    await removePlace(place);
  });

  const begin = (): Load => {
    load = startLoad({ url: muster.url, token: muster.token, endpoint, clients: 16, body: () => body });
    return load;
  };

  async function answersBy(version: string): Promise<void> {
    const before = load.byVersion.get(version) ?? 0;
    await until(`version ${version} answers`, 20_000, async () => (load.byVersion.get(version) ?? 0) > before + 20);
  }

  it('moves to another version, back and forth, without a failed request', async () => {
    begin();
    await answersBy('1');
    for (let round = 0; round < 3; round++) {
      await deploy(muster.client, endpoint, { model: endpoint, version: 2 });
      await answersBy('2');
      await succeeded(muster.client, await muster.client.call('rollback', { params: { endpoint }, body: {} }));
      await answersBy('1');
    }
    await load.stop();
    expect(load.failures).toEqual([]);
  });

  it('gives the canary its share, promotes it, and never fails a request', async () => {
    begin();
    await answersBy('1');
    await deploy(muster.client, endpoint, { model: endpoint, version: 3, role: 'canary', sharePercent: 25 });
    const before = { canary: load.byVersion.get('3') ?? 0, live: load.byVersion.get('1') ?? 0 };
    await until('2,000 more answers', 30_000, async () => load.answered > before.canary + before.live + 2000);
    const canary = (load.byVersion.get('3') ?? 0) - before.canary;
    const live = (load.byVersion.get('1') ?? 0) - before.live;
    expect(canary / (canary + live)).toBeGreaterThan(0.22);
    expect(canary / (canary + live)).toBeLessThan(0.28);
    await succeeded(muster.client, await muster.client.call('promote', { params: { endpoint } }));
    const after = load.byVersion.get('1') ?? 0;
    await answersBy('3');
    await load.stop();
    expect((load.byVersion.get('1') ?? 0) - after).toBeLessThan(20);
    expect(load.failures).toEqual([]);
  });

  it('copies to a shadow and never lets it answer', async () => {
    begin();
    await answersBy('3');
    await deploy(muster.client, endpoint, { model: endpoint, version: 2, role: 'shadow' });
    const before = load.answered;
    await until('500 more answers', 30_000, async () => load.answered > before + 500);
    await load.stop();
    expect([...load.byVersion.keys()]).toEqual(['3']);
    expect(load.failures).toEqual([]);
    const metrics = await (await muster.client.request('/metrics')).text();
    expect(metrics).toMatch(/version="2"/);
  });
});

describe('the caller’s contract', () => {
  let place: Place;
  let muster: RunningMuster;
  beforeAll(async () => {
    place = await makePlace();
    muster = await startMuster(place);
  });
  afterAll(async () => {
    await muster.stop();
    await removePlace(place);
  });

  it('refuses a version that would break callers, lists the differences, and yields to the endpoint’s name', async () => {
    await handOver(muster.client, 'contract', join(fixtures, 'identity-fp32.onnx'));
    const other = await registerFile(muster.client, 'contract', join(fixtures, 'add-row-id.onnx'));
    const refused = muster.client.call('deploy', {
      params: { endpoint: 'contract' },
      body: { model: 'contract', version: other },
    });
    await expect(refused).rejects.toMatchObject({ code: 'signature_breaks_callers' });
    await expect(refused.catch((error: { details: unknown }) => JSON.stringify(error.details))).resolves.toContain(
      'id',
    );
    await deploy(muster.client, 'contract', { model: 'contract', version: other, force: 'contract' });
  });

  it('keeps the version that is live when a new one cannot become ready', async () => {
    await handOver(muster.client, 'steady', join(fixtures, 'identity-int32.onnx'));
    const bad = registerFile(muster.client, 'steady', join(fixtures, 'crash-on-load.onnx'));
    await expect(bad).rejects.toMatchObject({ code: 'inspection_failed' });
    const answer = await muster.client.request('/v2/models/steady/infer', {
      method: 'POST',
      body: JSON.stringify({ inputs: [{ name: 'x', datatype: 'INT32', shape: [1, 3], data: [1, 2, 3] }] }),
    });
    expect(answer.status).toBe(200);
  });
});
