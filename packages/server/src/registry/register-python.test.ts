import { MusterError, type Sample, unpackSample } from '@muster-ml/protocol';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { databaseKinds } from '../../test-support/database.ts';
import { doubles, looked, pickle, proveTwin } from '../../test-support/python-twin.ts';
import { type RegistryRoom, openRegistryRoom } from '../../test-support/registry-room.ts';
import { tensorsIn } from './fit-sample.ts';
import type { Look, ProofRequest } from './python-inspection.ts';

const environment = { python: '3.11', requirements: ['numpy==2.4.6', 'scikit-learn==1.5.2'] };
type Given = Sample['inputs'][number];
const twoRows: Given = { name: 'age', datatype: 'FP64', shape: [2], data: [1, 2] };
const answers = (...data: number[]): Given => ({ name: 'prediction', datatype: 'FP64', shape: [data.length], data });

describe.each(databaseKinds)('registering what only Python can run, on %s', (kind) => {
  let room: RegistryRoom;
  let wishes: unknown[];
  let proofs: ProofRequest[];
  let look: Look;

  beforeEach(async () => {
    room = await openRegistryRoom(kind);
    await room.registry.createModel(room.alice, { name: 'm', team: 'default', description: '', tags: {} });
    wishes = [];
    proofs = [];
    look = looked;
    room.asked.python = {
      look: async () => await Promise.resolve(look),
      prove: async (request) => {
        proofs.push(request);
        return await proveTwin(request);
      },
    };
    room.asked.makeEnvironment = async (wish, onProgress) => {
      wishes.push(wish);
      onProgress('installing 2 of 12 packages');
      return await Promise.resolve(environment);
    };
  });
  afterEach(async () => await room.close());

  const register = async (wish: Parameters<RegistryRoom['register']>[1] = {}) =>
    await room.register('m', { digest: await room.upload(pickle()), ...wish });
  const keptSample = async (digest: string | null | undefined) => tensorsIn(unpackSample(await room.read(digest)));

  test('a version says what it is, where it runs and what it answers to its sample', async () => {
    const digest = await room.upload(pickle());
    const { version, problem } = await room.register('m', { digest, sampleCsv: 'age\n1\n2\n' });
    expect(problem).toBeNull();
    expect(version).toMatchObject({
      runtime: 'python',
      digest,
      sizeBytes: 7,
      signature: { inputs: [{ name: 'age', datatype: 'FP64', shape: [-1] }], outputs: [{ name: 'prediction' }] },
      facts: {
        format: 'pickle',
        sizeBytes: 7,
        producer: 'scikit-learn 1.5.2',
        modelClass: 'sklearn.linear_model.LogisticRegression',
        modules: ['sklearn'],
        environment,
        isTable: true,
        adaptations: ['looked', 'proved'],
      },
    });
    expect(wishes).toEqual([{ python: '3.11', requirements: ['scikit-learn==1.5.2'] }]);
    expect(proofs).toMatchObject([
      { digest, format: 'pickle', environment, file: await room.objects.localFile(digest) },
    ]);
    expect(await keptSample(version?.sampleDigest)).toEqual({
      inputs: [doubles('age', 1, 2)],
      outputs: [doubles('prediction', 0, 1)],
      isTable: true,
    });
    expect(await room.registry.servedVersion(room.alice, 'm', { version: 1 })).toMatchObject({
      runtime: 'python',
      python: { format: 'pickle', isTable: true, environment },
    });
    expect(await room.registry.readVersionFile(room.alice, 'm', 1)).toMatchObject({ fileName: 'm-1.pkl' });
  });

  test('without rows, what the model answered to rows of its own becomes its sample', async () => {
    const { version } = await register();
    expect(proofs).toMatchObject([{ sampleFile: undefined }]);
    expect(await keptSample(version?.sampleDigest)).toMatchObject({ inputs: [{ name: 'x' }], isTable: false });
  });

  test('what its owner says of its environment goes before what the file tells', async () => {
    await register({ python: { version: '3.12', requirements: ['scikit-learn==1.6.0', 'pandas'] } });
    expect(wishes).toEqual([{ python: '3.12', requirements: ['scikit-learn==1.6.0', 'pandas'] }]);
  });

  test('a file that tells nothing has to be told what it needs; one that imports nothing needs nothing', async () => {
    look = { ...looked, requirements: [], pythonVersion: null };
    expect(await register()).toMatchObject({
      state: 'failed',
      problem: {
        code: 'requirements_needed',
        detail: 'the file does not tell what the model needs; it imports sklearn',
        details: { modules: ['sklearn'] },
      },
    });
    look = { ...look, modules: [] };
    expect(await register()).toMatchObject({ state: 'succeeded' });
    expect(wishes).toEqual([{ python: undefined, requirements: [] }]);
  });

  test('the answers that came with a sample are compared, and travel with the version', async () => {
    const right = await register({ sample: { inputs: [twoRows], isTable: true, outputs: [answers(0, 1 + 5e-8)] } });
    expect(right.problem).toBeNull();
    expect(await keptSample(right.version?.sampleDigest)).toMatchObject({
      outputs: [doubles('prediction', 0, 1 + 5e-8)],
    });
    const wrong = await register({ sample: { inputs: [twoRows], outputs: [answers(0, 3)] } });
    expect(wrong).toMatchObject({
      state: 'failed',
      problem: {
        code: 'sample_differs',
        detail: 'the first difference is in prediction, row 1: expected 3, got 1',
        details: { output: 'prediction', row: 1, expected: '3', got: '1' },
      },
    });
    expect(await room.registry.getModel(room.alice, 'm')).toMatchObject({ latestVersion: 1 });
  });

  test('answers that are others each time are not compared, and no replica is held to them', async () => {
    const prove = async (request: ProofRequest) => {
      const proof = await proveTwin(request);
      return { ...proof, sample: { inputs: proof.sample?.inputs ?? [], outputs: [] } };
    };
    room.asked.python = { ...room.asked.python, prove };
    const { version } = await register({ sample: { inputs: [twoRows], outputs: [answers(5, 6)] } });
    expect(await keptSample(version?.sampleDigest)).toMatchObject({ inputs: [{ name: 'age' }], outputs: [] });
  });

  test('missing values are kept as such: null in JSON, empty cells in a CSV', async () => {
    const text: Given = { name: 'city', datatype: 'BYTES', shape: [3], data: ['Bonn', null, ''] };
    const number: Given = { name: 'age', datatype: 'FP64', shape: [3], data: [1, null, 'NaN'] };
    const json = await register({ sample: { inputs: [text, number], isTable: true } });
    const [city, age] = (await keptSample(json.version?.sampleDigest)).inputs;
    const missing = [...Buffer.from('\u0004\0\0\0Bonn\u0001\0\0\0', 'latin1'), 0xff, 0, 0, 0, 0];
    expect([...(city?.bytes ?? [])]).toEqual(missing);
    expect(age).toEqual(doubles('age', 1, Number.NaN, Number.NaN));
    const csv = await register({ sampleCsv: 'city,age,vip\nBonn,1,true\n,,false\n"",2,true\n' });
    const columns = (await keptSample(csv.version?.sampleDigest)).inputs;
    expect(columns.map(({ datatype }) => datatype)).toEqual(['BYTES', 'FP64', 'BOOL']);
    expect(columns[1]).toEqual(doubles('age', 1, Number.NaN, 2));
  });

  test.each([
    ['both forms of a sample', { sample: { inputs: [twoRows] }, sampleCsv: 'age\n1\n' }, 'invalid_request'],
    ['another number of elements', { sample: { inputs: [{ ...twoRows, shape: [3] }] } }, 'invalid_sample'],
    ['a value of another type', { sample: { inputs: [{ ...twoRows, data: [1, 'two'] }] } }, 'invalid_sample'],
    [
      'an integer that JSON has rounded',
      { sample: { inputs: [{ ...twoRows, datatype: 'INT64' as const, data: [1, 2 ** 60] }] } },
      'invalid_sample',
    ],
    ['a column twice', { sample: { inputs: [twoRows, twoRows] } }, 'invalid_sample'],
    [
      'columns of different lengths',
      { sample: { isTable: true, inputs: [twoRows, { ...twoRows, name: 'b', shape: [1], data: [1] }] } },
      'invalid_sample',
    ],
  ])('a request with %s is refused at once', async (_name, wish, code) => {
    await expect(register(wish as Parameters<typeof register>[0])).rejects.toMatchObject({ code });
  });

  test.each<[string, Partial<Look>, string, string]>([
    [
      'what Muster cannot run',
      { format: null, runtime: null, producer: 'Keras 3' },
      'unsupported_model',
      'it seems to be Keras 3',
    ],
    [
      'what would have to be exported',
      {
        format: null,
        runtime: null,
        missing: [{ what: 'TorchScript', why: 'it needs PyTorch', remedy: 'Export it as ONNX.' }],
      },
      'unsupported_model',
      'TorchScript: it needs PyTorch',
    ],
  ])('%s is refused with what it seems to be', async (_name, found, code, detail) => {
    look = { ...looked, ...found };
    expect(await register()).toMatchObject({ problem: { code, detail } });
    expect(wishes).toEqual([]);
  });

  test('a folder around an ONNX model is inspected as ONNX', async () => {
    look = { ...looked, format: null, runtime: 'onnx' };
    expect((await register()).version).toMatchObject({ runtime: 'onnx' });
  });

  test.each(['python_not_found', 'environment_unresolvable', 'environment_failed', 'environment_too_large'] as const)(
    'an environment that cannot be made is the reason: %s',
    async (code) => {
      room.asked.makeEnvironment = async () => await Promise.reject(new MusterError(code, 'no wheel for numpy'));
      expect(await register()).toMatchObject({ state: 'failed', problem: { code, detail: 'no wheel for numpy' } });
    },
  );

  test('a proof that fails is the reason', async () => {
    room.asked.python.prove = async () =>
      await Promise.reject(new MusterError('model_unloadable', 'No module named x'));
    expect(await register()).toMatchObject({ problem: { code: 'model_unloadable', detail: 'No module named x' } });
  });

  test('nothing of a model is run where nothing would keep it from what others own', async () => {
    room.asked.refuseUncagedPython = async () => await Promise.reject(new MusterError('isolation_too_weak', 'no cage'));
    expect(await register()).toMatchObject({ problem: { code: 'isolation_too_weak' } });
    expect([wishes, proofs]).toEqual([[], []]);
  });

  test('names that the owner gives go into the signature', async () => {
    expect((await register({ signature: { labels: ['stays', 'leaves'] } })).version).toMatchObject({
      signature: { labels: ['stays', 'leaves'] },
    });
    expect(await register({ signature: { features: ['a'] } })).toMatchObject({
      problem: { code: 'invalid_signature' },
    });
  });

  test('its operation says how the environment comes along', async () => {
    const isSeen = Promise.withResolvers<void>();
    room.asked.makeEnvironment = async (_wish, onProgress) => {
      onProgress('installing 2 of 12 packages');
      await isSeen.promise;
      return environment;
    };
    const { id } = await room.begin('m', { digest: await room.upload(pickle()) });
    for await (const { progress } of room.operations.watch(id, AbortSignal.timeout(10_000)))
      if (progress === 'installing 2 of 12 packages') isSeen.resolve();
    expect((await room.operations.get(id)).operation).toMatchObject({ state: 'succeeded' });
  });

  test('it can be cancelled while its environment is made', async () => {
    const begun = Promise.withResolvers<void>();
    room.asked.makeEnvironment = async (_wish, _onProgress, signal) => {
      begun.resolve();
      return await new Promise((_resolve, reject) => {
        signal.addEventListener('abort', () => reject(signal.reason as Error));
      });
    };
    const operation = await room.begin('m', { digest: await room.upload(pickle()) });
    await begun.promise;
    expect(await room.operations.cancel(operation.id)).toMatchObject({ state: 'cancelled' });
    expect(proofs).toEqual([]);
  });

  test('a restart goes on with it, sample and all, and registers once', async () => {
    const begun = Promise.withResolvers<void>();
    const working = room.asked.python;
    room.asked.python = {
      ...working,
      prove: async (_request, signal) => {
        begun.resolve();
        return await new Promise((_resolve, reject) => {
          signal.addEventListener('abort', () => reject(signal.reason as Error));
        });
      },
    };
    const sample = { inputs: [twoRows], isTable: true, outputs: [answers(0, 1)] };
    const operation = await room.begin('m', { digest: await room.upload(pickle()), sample });
    await begun.promise;
    room.asked.python = working;
    await room.restart();
    const { version } = await room.ended(operation);
    expect(await keptSample(version?.sampleDigest)).toMatchObject({ inputs: [doubles('age', 1, 2)] });
    await room.restart();
    expect((await room.registry.listVersions(room.alice, 'm', { limit: 10 })).items).toHaveLength(1);
  });

  test('every environment that a version runs in is told once', async () => {
    await register();
    await register();
    expect(await room.registry.environments()).toEqual([environment]);
  });
});
