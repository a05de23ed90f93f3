import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Endpoint, Operation } from '@muster-ml/protocol';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { deploy, handOver, registerFile, succeeded } from './support/hand-over.ts';
import { type Place, type RunningMuster, makePlace, removePlace, root, startMuster } from './support/muster.ts';
import { withMark } from './support/onnx-copy.ts';
import { until } from './support/until.ts';

const examples = join(root, 'examples/breast-cancer');
const v1 = join(examples, 'model-v1.onnx');
const objective = { latencyMs: 2000, percentile: 95, errorPercent: 1, requestsPerSecond: 20 };

interface Found {
  readonly passed: boolean;
  readonly summary: string;
  readonly figures: Readonly<Record<string, number | string | boolean>>;
  readonly evidence: string;
}

describe('drills on what really runs', () => {
  let place: Place;
  let muster: RunningMuster;
  let sampleCsv: string;
  beforeAll(async () => {
    place = await makePlace();
    muster = await startMuster(place);
    sampleCsv = await readFile(join(examples, 'sample.csv'), 'utf8');
    await handOver(muster.client, 'tumour', v1, { sampleCsv });
    // Without a sample.
    await handOver(muster.client, 'neighbour', v1);
  });
  afterAll(async () => {
    await muster.stop();
    await removePlace(place);
  });

  const begin = async (kind: 'load' | 'failover' | 'rollback', endpoint = 'tumour', seconds = 2): Promise<Operation> =>
    await muster.client.call('drillStart', { params: { endpoint }, body: { kind, seconds } });
  const drill = async (kind: 'load' | 'failover' | 'rollback', endpoint?: string): Promise<Found> =>
    (await succeeded(muster.client, await begin(kind, endpoint))) as unknown as Found;
  const show = async (endpoint: string): Promise<Endpoint> =>
    await muster.client.call('endpointGet', { params: { endpoint } });
  const live = async (endpoint = 'tumour') =>
    (await show(endpoint)).deployments
      .filter(({ role, state }) => role === 'live' && state !== 'draining')
      .map(({ version, state, settings }) => ({ version, state, settings }));
  const promise = async (wish: object): Promise<Endpoint> =>
    await muster.client.call('endpointUpdate', {
      params: { endpoint: 'tumour' },
      body: { objective: { ...objective, ...wish } },
    });

  it('a load test needs something to be measured by', async () => {
    await expect(begin('load')).rejects.toMatchObject({ code: 'drill_impossible' });
  });

  it('load passes within the objective and fails beyond it, with figures', async () => {
    await promise({});
    const good = await drill('load');
    expect(good).toMatchObject({ passed: true, figures: { requests: 40, failed: 0, objectiveLatencyMs: 2000 } });
    expect(good.figures['p95Ms']).toBeGreaterThan(0);
    expect(good.evidence).not.toBe('');
    await promise({ latencyMs: 0.01 });
    const bad = await drill('load');
    expect(bad).toMatchObject({ passed: false, figures: { failed: 0, objectiveLatencyMs: 0.01 } });
    expect(bad.summary).toMatch(/^p95 was [\d.]+ ms, and 0\.01 ms are promised$/);
    await promise({});
  });

  it("failover survives a runner's death and a roll-out without a failed request, and blames nobody", async () => {
    const runners = (await Promise.all([show('tumour'), show('neighbour')])).flatMap(({ deployments }) =>
      deployments.flatMap(({ replicas }) => replicas.map(({ runner }) => runner)),
    );
    expect(new Set(runners).size).toBe(1);
    for (let times = 1; times <= 2; times++) {
      const found = await drill('failover');
      expect(found).toMatchObject({ passed: true, figures: { failed: 0 } });
      expect(found.figures['recoveryMs']).toBeGreaterThan(0);
      expect(found.figures['rolloutMs']).toBeGreaterThan(0);
    }
    for (const endpoint of ['tumour', 'neighbour']) {
      expect(await live(endpoint)).toMatchObject([{ version: 1, state: 'ready' }]);
      const { items } = await muster.client.call('endpointEvents', { params: { endpoint }, query: {} });
      const kinds = items.map(({ what }) => what);
      expect(kinds).not.toContain('quarantined');
      expect(kinds).not.toContain('own-runner');
    }
  });

  it('rollback goes to itself where there is nothing before, and what was live is live', async () => {
    const before = await live();
    const found = await drill('rollback');
    expect(found).toMatchObject({ passed: true, figures: { failed: 0, fromVersion: 1, toVersion: 1, way: 'same' } });
    expect(await live()).toEqual(before);
  });

  it('rollback goes to the version before and returns, with the same settings', async () => {
    const version = await registerFile(muster.client, 'tumour', withMark(await readFile(v1), 'another'), { sampleCsv });
    const settings = { replicas: 2 };
    await deploy(muster.client, 'tumour', { model: 'tumour', version, settings });
    const before = await live();
    expect(before).toMatchObject([{ version: 2, state: 'ready', settings }]);
    const found = await drill('rollback');
    expect(found).toMatchObject({
      passed: true,
      figures: { failed: 0, fromVersion: 2, toVersion: 1, way: 'previous' },
    });
    expect(await live()).toEqual(before);
    expect((await show('tumour')).previous).toEqual({ model: 'tumour', version: 1 });
  });

  it('one at a time; cancelled, it leaves what was live', async () => {
    const before = await live();
    const operation = await begin('rollback', 'tumour', 30);
    await expect(begin('load')).rejects.toMatchObject({ code: 'drill_running' });
    await until('it rolls back', 20_000, async () => await isUnderWay(operation, 'rolling back'));
    await muster.client.call('operationCancel', { params: { operation: operation.id } });
    await until('it has ended', 20_000, async () => (await read(operation)).state === 'cancelled');
    expect(await live()).toEqual(before);
  });

  it('killed with control in the middle, a rollback is put back at the next start', async () => {
    const before = await live();
    const operation = await begin('rollback', 'tumour', 30);
    await until('the version before is live', 20_000, async () =>
      (await live()).some(({ version, state }) => version === 1 && state === 'ready'),
    );
    const [control] = await muster.pids('control');
    process.kill(control ?? 0, 'SIGKILL');
    await until(
      'the drill has ended',
      40_000,
      async () => (await read(operation).catch(() => undefined))?.state === 'failed',
    );
    expect((await read(operation)).problem).toMatchObject({ code: 'operation_interrupted' });
    expect(await live()).toEqual(before);
    expect(await drill('load')).toMatchObject({ passed: true });
  });

  it('a version without a sample is tried with its example row', async () => {
    await muster.client.call('endpointUpdate', { params: { endpoint: 'neighbour' }, body: { objective } });
    expect(await drill('load', 'neighbour')).toMatchObject({ passed: true, figures: { requests: 40, failed: 0 } });
  });

  it('what each found is evidence of the endpoint, with its figures', async () => {
    for (const check of ['R20', 'R21', 'R22'] as const) {
      const { items } = await muster.client.call('evidenceList', {
        params: { endpoint: 'tumour' },
        query: { check, limit: 1 },
      });
      expect(items).toMatchObject([{ check, source: 'drill', passed: true, model: 'tumour', figures: { failed: 0 } }]);
    }
  });

  it('leaves no token behind', async () => {
    const { items } = await muster.client.call('tokenList', { query: {} });
    const ofDrills = items.filter(({ note }) => note.startsWith('drill '));
    expect(ofDrills.length).toBeGreaterThan(5);
    // The one of the drill that was killed ends by itself.
    expect(ofDrills.filter(({ state }) => state === 'live').length).toBeLessThanOrEqual(1);
  });

  async function read(operation: Operation): Promise<Operation> {
    return await muster.client.call('operationGet', { params: { operation: operation.id } });
  }
  async function isUnderWay(operation: Operation, what: string): Promise<boolean> {
    const { state, progress } = await read(operation);
    if (state !== 'running') throw new Error(`it is ${state}`);
    return progress.startsWith(what);
  }
});
