import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { modelFactsSchema, signatureSchema } from '@muster-ml/protocol';
import * as ort from 'onnxruntime-node';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { fixture } from '../test-support/link-client.ts';
import { type ModelOptions, onnxModel } from '../test-support/onnx-model.ts';
import { inspectModel } from './inspect-model.ts';

const folder = mkdtempSync(join(tmpdir(), 'muster-inspect-'));
beforeAll(() => {
  ort.env.logLevel = 'fatal';
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

type Inspected = Awaited<ReturnType<typeof inspectModel>>;

async function inspect(file: string): Promise<Inspected> {
  const inspected = await inspectModel(file);
  signatureSchema.parse(inspected.signature);
  modelFactsSchema.parse(inspected.facts);
  return inspected;
}

async function inspectMade(model: ModelOptions): Promise<Inspected> {
  const file = join(folder, 'made.onnx');
  writeFileSync(file, onnxModel(model));
  return await inspect(file);
}

describe('a file that cannot be served', () => {
  test.each([
    ['empty.onnx', 'invalid_model_file', 'empty'],
    ['random.bin', 'invalid_model_file', 'protobuf'],
    ['truncated.onnx', 'invalid_model_file', 'cut off'],
    ['deep-subgraph.onnx', 'invalid_model_file', 'nested'],
    ['huge-tensor.onnx', 'invalid_model_file', '9.3 GiB'],
    ['external-data-absolute.onnx', 'invalid_model_file', 'outside the folder'],
    ['external-data-escape.onnx', 'invalid_model_file', 'outside the folder'],
    ['external-data-missing.onnx', 'unsupported_model', 'in another file'],
    ['external-data.onnx', 'unsupported_model', 'in another file'],
    ['unknown-op.onnx', 'unsupported_model', 'operator DoesNotExist is not in operator set 17 of ai.onnx'],
    ['unknown-domain.onnx', 'unsupported_model', 'Score (domain com.example.custom, operator set 1)'],
    ['needs-opset-999.onnx', 'unsupported_model', 'operator set 999 of ai.onnx'],
    ['sequence-out.onnx', 'unsupported_model', 'output "y" is of the type sequence'],
    ['identity-bf16.onnx', 'unsupported_model', 'bfloat16'],
    ['identity-fp8.onnx', 'unsupported_model', 'float8e4m3fn'],
    ['does-not-exist.onnx', 'invalid_model_file', 'ENOENT'],
    ['', 'invalid_model_file', 'none'], // a folder
  ])('%s is refused with %s', async (name, code, words) => {
    await expect(inspect(fixture(name))).rejects.toMatchObject({
      code,
      message: expect.stringContaining(words) as unknown,
    });
  });

  test('an input without a shape is refused with what to do', async () => {
    const inspection = inspectMade({
      inputs: [{ name: 'x', element: 1 }],
      outputs: [{ name: 'y', element: 1 }],
      nodes: [{ op: 'Relu', inputs: ['x'], outputs: ['y'] }],
    });
    await expect(inspection).rejects.toMatchObject({
      code: 'unsupported_model',
      message: 'input "x" has no shape in the file',
    });
  });

  test.each([
    [
      'input',
      {
        inputs: [{ name: 'x', element: 1, shape: ['N'], wrap: 'sequence' }],
        outputs: [{ name: 'y', element: 7, shape: [] }],
        nodes: [{ op: 'SequenceLength', inputs: ['x'], outputs: ['y'] }],
      },
    ],
    [
      'input',
      {
        inputs: [{ name: 'x', element: 1, shape: ['N'], wrap: 'optional' }],
        outputs: [{ name: 'y', element: 9, shape: [] }],
        nodes: [{ op: 'OptionalHasElement', inputs: ['x'], outputs: ['y'] }],
      },
    ],
    [
      'output',
      {
        inputs: [{ name: 'x', element: 1, shape: ['N'] }],
        outputs: [{ name: '__proto__', element: 1, shape: ['N'] }],
        nodes: [{ op: 'Relu', inputs: ['x'], outputs: ['__proto__'] }],
      },
    ],
  ] satisfies [string, ModelOptions][])('an %s that cannot be sent is named', async (role, model) => {
    await expect(inspectMade(model)).rejects.toMatchObject({
      code: 'unsupported_model',
      message: expect.stringContaining(`${role} "`) as unknown,
    });
  });
});

describe('a file that can be served', () => {
  test.each([
    'bool',
    'uint8',
    'uint16',
    'uint32',
    'uint64',
    'int8',
    'int16',
    'int32',
    'int64',
    'fp16',
    'fp32',
    'fp64',
    'bytes',
  ])('with tensors of type %s has them in its signature', async (type) => {
    const datatype = type.toUpperCase();
    expect(await inspect(fixture(`identity-${type}.onnx`))).toMatchObject({
      signature: {
        inputs: [{ name: 'x', datatype, shape: [-1, 3] }],
        outputs: [{ name: 'y', datatype, shape: [-1, 3] }],
      },
    });
  });

  test('a classifier of scikit-learn gets the matrix of probabilities in place of its maps, and its labels', async () => {
    const inspection = await inspect(fixture('zipmap-string-labels.onnx'));
    expect(inspection).toMatchObject({
      signature: {
        outputs: [
          { name: 'output_label', datatype: 'BYTES', shape: [-1] },
          { name: 'output_probability', datatype: 'FP32', shape: [-1, 3] },
        ],
        labels: ['setosa', 'versicolor', 'virginica'],
      },
      facts: { adaptations: [expect.stringContaining('ZipMap dropped')] },
    });
  });

  test('scalars, fixed shapes and outputs without a shape keep their rank', async () => {
    expect(await inspect(fixture('scalar.onnx'))).toMatchObject({
      signature: { inputs: [{ shape: [] }], outputs: [{ shape: [] }] },
    });
    expect(await inspect(fixture('no-batch-dim.onnx'))).toMatchObject({ signature: { inputs: [{ shape: [3] }] } });
    const unknown = await inspectMade({
      inputs: [{ name: 'x', element: 7, shape: ['K'] }],
      outputs: [{ name: 'y', element: 1 }],
      nodes: [{ op: 'ConstantOfShape', inputs: ['x'], outputs: ['y'] }],
    });
    expect(unknown).toMatchObject({ signature: { outputs: [{ name: 'y', datatype: 'FP32', shape: [-1] }] } });
  });

  test('an input with a default in the file is not asked for, and that is said', async () => {
    const inspection = await inspect(fixture('optional-input.onnx'));
    expect(inspection).toMatchObject({
      signature: { inputs: [{ name: 'x' }] },
      facts: { adaptations: [expect.stringContaining('cannot be sent: "bias"')] },
    });
  });

  test('names of columns and classes come from the metadata where their number fits', async () => {
    const model: ModelOptions = {
      inputs: [{ name: 'x', element: 1, shape: ['N', 3] }],
      outputs: [{ name: 'y', element: 1, shape: ['N', 3] }],
      nodes: [{ op: 'Softmax', inputs: ['x'], outputs: ['y'] }],
    };
    const named = await inspectMade({
      ...model,
      metadata: { feature_names: "['a', 'b', 'c']", class_names: 'no, maybe, yes' },
    });
    expect(named).toMatchObject({ signature: { features: ['a', 'b', 'c'], labels: ['no', 'maybe', 'yes'] } });
    const misnamed = await inspectMade({ ...model, metadata: { feature_names: 'a,b' } });
    expect(misnamed.signature.features).toBeUndefined();
  });
});
