import { unpackSample } from '@muster-ml/protocol';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { doubles } from '../../test-support/python-twin.ts';
import { type RegistryRoom, openRegistryRoom } from '../../test-support/registry-room.ts';
import { tensorsIn } from './fit-sample.ts';

const matrix = { name: 'X', datatype: 'FP64' as const, shape: [1, 2], data: [[1, 2.5]] };
const column = (name: string, value: number) => ({ name, datatype: 'FP64' as const, shape: [1], data: [value] });
const expected = { name: 'output_probability', datatype: 'FP64' as const, shape: [1, 3], data: [0.25, 0.25, 0.5] };

describe('a sample in JSON for an ONNX model', () => {
  let room: RegistryRoom;
  beforeEach(async () => {
    room = await openRegistryRoom('sqlite');
    await room.registry.createModel(room.alice, { name: 'm', team: 'default', description: '', tags: {} });
  });
  afterEach(async () => await room.close());

  const register = async (wish: Parameters<RegistryRoom['register']>[1]) => await room.register('m', wish);

  test('takes the form of the signature, and keeps the answers under the names of the outputs', async () => {
    const { version } = await register({ sample: { inputs: [matrix], outputs: [expected] } });
    expect(version?.signature.features).toBeUndefined();
    const { inputs, outputs } = tensorsIn(unpackSample(await room.read(version?.sampleDigest)));
    expect(inputs).toEqual([
      { name: 'X', datatype: 'FP32', shape: [1, 2], bytes: new Uint8Array(Float32Array.of(1, 2.5).buffer) },
    ]);
    expect(outputs).toEqual([{ ...doubles('probabilities', 0.25, 0.25, 0.5), shape: [1, 3] }]);
  });

  test('a table names the features', async () => {
    const { version } = await register({ sample: { inputs: [column('age', 1), column('rooms', 2)], isTable: true } });
    expect(version?.signature.features).toEqual(['age', 'rooms']);
  });

  test.each([
    ['invalid_sample', { sample: { inputs: [{ ...matrix, shape: [2, 1] }] } }],
    ['invalid_sample', { sample: { inputs: [column('age', 1)], isTable: true } }],
    ['sample_differs', { sample: { inputs: [matrix], outputs: [{ ...expected, shape: [3] }] } }],
    ['invalid_request', { python: { requirements: ['numpy'] } }],
  ])('what does not fit the model fails as %s', async (code, wish) => {
    expect(await register(wish)).toMatchObject({ state: 'failed', problem: { code } });
  });
});
