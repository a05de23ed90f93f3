import { type DeployRequest, type Endpoint, type ErrorCode, type Operation, deploySchema } from '@muster-ml/protocol';
import type { z } from 'zod';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type TestDatabase, databaseKinds, openTestDatabase } from '../../test-support/database.ts';
import { eventually } from '../../test-support/eventually.ts';
import {
  type DeploymentsRoom,
  anyVersion,
  callerOf,
  openDeploymentsRoom,
  served,
} from '../../test-support/deployments/deployments-room.ts';

const ana = callerOf('default');

describe.each(databaseKinds)('deploying what Python runs, on %s', (kind) => {
  let opened: TestDatabase;
  let room: DeploymentsRoom;
  beforeAll(async () => {
    opened = await openTestDatabase(kind);
    room = await openDeploymentsRoom(opened.database);
  });
  afterAll(async () => {
    await room.deployments.reconciler.drain();
    await opened.close();
  });

  const wish = (version: number, settings: z.input<typeof deploySchema>['settings'], model = 'python'): DeployRequest =>
    deploySchema.parse({ model, version, settings });
  const deploy = async (name: string, request: DeployRequest): Promise<Operation> =>
    await room.ended(await room.deployments.deploy(ana, name, request));
  const get = async (name: string): Promise<Endpoint> => await room.deployments.getEndpoint(ana, name);
  const runnersOf = (digest: string) =>
    room.fleet.wishes().filter((runner) => runner.replicas.some((replica) => replica.digest === digest));

  it('each replica gets a runner of its own, with its environment and what the model is', async () => {
    const settings = { replicas: 2, python: { threads: 3 }, resources: { memoryBytes: 300_000_000 } };
    expect(await deploy('two', wish(1, settings))).toMatchObject({ state: 'succeeded' });
    const runners = runnersOf('python-1');
    expect(new Set(runners.map(({ id }) => id)).size).toBe(2);
    for (const runner of runners) {
      expect(runner).toMatchObject({
        runtime: 'python',
        kind: 'own',
        environment: served.environment,
        threads: 3,
        limits: { memoryBytes: 300_000_000 },
        replicas: [
          {
            sampleFile: '/objects/rows',
            python: { format: 'pickle', isTable: true, signature: anyVersion('python', 1).signature },
          },
        ],
      });
      expect(runner.replicas[0]).not.toHaveProperty('options');
    }
  });

  it('tells what its environment is being made of while that takes time', async () => {
    room.fleet.behave('python-3', 'loading');
    const operation = await room.deployments.deploy(ana, 'preparing', wish(3, {}));
    await eventually(
      async () => (await room.operations.get(operation.id)).operation.progress === 'installing 31 packages',
    );
    room.fleet.behave('python-3', 'ready');
    expect(await room.ended(operation)).toMatchObject({ state: 'succeeded' });
  });

  it('gets runners of its own although nobody asked for them, also beside a pack of its team', async () => {
    await deploy('packed', wish(1, {}, 'm'));
    await deploy('alone', wish(2, {}));
    expect(runnersOf('m-1')).toMatchObject([{ kind: 'pack', runtime: 'onnx', replicas: [{ options: {} }] }]);
    expect(runnersOf('python-2')).toMatchObject([{ kind: 'own', runtime: 'python', threads: 1 }]);
    expect(runnersOf('m-1')[0]).not.toHaveProperty('environment');
  });

  it.each([
    ['onnx settings of a Python version', wish(1, { onnx: { intraOpThreads: 4 } }), 'body.settings.onnx'],
    ['python settings of an ONNX version', wish(1, { python: { threads: 4 } }, 'm'), 'body.settings.python'],
  ])('%s are refused: they would have no effect', async (_what, request, place) => {
    await expect(room.deployments.deploy(ana, 'refused', request)).rejects.toMatchObject({
      code: 'invalid_request',
      place,
    });
    await expect(get('refused')).rejects.toMatchObject({ code: 'endpoint_not_found' });
  });

  const final: readonly ErrorCode[] = [
    'sample_differs',
    'model_unloadable',
    'environment_unresolvable',
    'python_not_found',
  ];
  it.each(final.map((code, index) => [code, 10 + index] as const))(
    '%s ends a start at once: it would end so every time',
    async (code, version) => {
      room.fleet.behave(`python-${version}`, 'failed', code);
      expect(await deploy(code.replaceAll('_', '-'), wish(version, {}))).toMatchObject({
        state: 'failed',
        problem: { code: 'deployment_failed', details: { cause: code } },
      });
      const endpoint = await get(code.replaceAll('_', '-'));
      expect(endpoint.deployments).toMatchObject([{ state: 'failed', problem: { details: { cause: code } } }]);
      const { items } = await room.deployments.listEvents(ana, endpoint.name, { limit: 100 });
      expect(items.filter(({ what }) => what === 'retry')).toEqual([]);
    },
  );

  it('an environment that could not be made for a passing reason is tried again, a few times', async () => {
    room.fleet.behave('python-20', 'failed', 'environment_failed');
    expect(await deploy('passing', wish(20, {}))).toMatchObject({ state: 'failed' });
    const { items } = await room.deployments.listEvents(ana, 'passing', { limit: 100 });
    expect(items.filter(({ what }) => what === 'retry')).toHaveLength(2);
  });

  it('a caller of an ONNX version gets a Python version where it takes and gives the same', async () => {
    await deploy('changing', wish(1, {}, 'm'));
    expect(await deploy('changing', wish(3, {}))).toMatchObject({ state: 'succeeded' });
    await expect(room.deployments.deploy(ana, 'changing', wish(60, {}))).rejects.toMatchObject({
      code: 'signature_breaks_callers',
    });
  });

  it('is refused where nothing would keep it from what others own, also by rollback', async () => {
    await deploy('caged', wish(1, {}));
    await deploy('caged', wish(1, {}, 'm'));
    room.uncaged.isRefused = true;
    await expect(room.deployments.deploy(ana, 'caged', wish(1, {}))).rejects.toMatchObject({
      code: 'isolation_too_weak',
    });
    await expect(room.deployments.rollback(ana, 'caged', {})).rejects.toMatchObject({ code: 'isolation_too_weak' });
    expect(await deploy('caged', wish(2, {}, 'm'))).toMatchObject({ state: 'succeeded' });
    room.uncaged.isRefused = false;
  });

  it('has met no error that it did not foresee', () => {
    expect(room.errors).toEqual([]);
  });
});
