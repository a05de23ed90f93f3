import { describe, expect, test } from 'vitest';
import { bindInputs, checkOutputs } from './bind-inputs.ts';
import { byteElements } from './byte-elements.ts';
import { inferOptions } from './infer-options.ts';
import { type InferInput, noParameters } from './infer-request.ts';
import { readInferBody } from './read-infer-body.ts';
import { type Signature, missingText } from './tensor.ts';

const signature: Signature = {
  inputs: [
    { name: 'a', datatype: 'FP32', shape: [-1, 2] },
    { name: 'b', datatype: 'INT64', shape: [-1] },
    { name: 'c', datatype: 'BYTES', shape: [-1], optional: true },
  ],
  outputs: [{ name: 'y', datatype: 'FP32', shape: [-1] }],
};

function input(name: string, datatype: InferInput['datatype'], shape: readonly number[]): InferInput {
  return { name, datatype, shape, bytes: new Uint8Array(0), parameters: noParameters };
}

const a = input('a', 'FP32', [3, 2]);
const b = input('b', 'INT64', [3]);

function code(inputs: readonly InferInput[], of = signature): unknown {
  try {
    bindInputs(inputs, of, 4);
    return 'fits';
  } catch (error) {
    return (error as { readonly code: unknown }).code;
  }
}

describe('texts that are null', () => {
  const body = '{"inputs":[{"name":"t","datatype":"BYTES","shape":[3],"data":["a",null,"b"]}]}';
  const read = () => readInferBody(new TextEncoder().encode(body), undefined).inputs;
  const of = (nullable: boolean): Signature => ({
    inputs: [{ name: 't', datatype: 'BYTES', shape: [-1], nullable }],
    outputs: signature.outputs,
  });

  test('are missing where the model takes that', () => {
    const bytes = bindInputs(read(), of(true), 4).inputs[0]?.bytes ?? new Uint8Array(0);
    expect(byteElements(bytes)).toEqual([Uint8Array.of(0x61), missingText, Uint8Array.of(0x62)]);
  });

  test('are refused elsewhere, by their place', () => {
    expect(() => bindInputs(read(), of(false), 4)).toThrow(
      expect.objectContaining({ code: 'invalid_data', place: 'inputs[0].data[1]' }) as Error,
    );
  });
});

describe('inputs', () => {
  test('come out in the order of the model, with the count of their rows', () => {
    const bound = bindInputs([b, a], signature, 4);
    expect(bound.inputs.map(({ name }) => name)).toEqual(['a', 'b']);
    expect(bound.rows).toBe(3);
  });

  test('have no count of rows where the model has no batch dimension', () => {
    const fixed: Signature = { inputs: [{ name: 'a', datatype: 'FP32', shape: [2, 2] }], outputs: signature.outputs };
    expect(bindInputs([input('a', 'FP32', [2, 2])], fixed, 1).rows).toBeUndefined();
  });

  test.each([
    ['unknown_input', [a, b, input('z', 'FP32', [3])]],
    ['missing_input', [a]],
    ['duplicate_input', [a, b, a]],
    ['invalid_datatype', [input('a', 'FP64', [3, 2]), b]],
    ['invalid_shape', [input('a', 'FP32', [3, 3]), b]],
    ['invalid_shape', [input('a', 'FP32', [3]), b]],
    ['invalid_shape', [input('a', 'FP32', []), b]],
    ['invalid_shape', [input('a', 'FP32', [2, 2]), b]],
    ['fits', [input('a', 'FP32', [4, 2]), input('b', 'INT64', [4])]],
    ['invalid_shape', [input('a', 'FP32', [5, 2]), input('b', 'INT64', [5])]],
    ['fits', [input('a', 'FP32', [0, 2]), input('b', 'INT64', [0])]],
  ])('are judged: %s', (expected, inputs) => {
    expect(code(inputs)).toBe(expected);
  });

  test('are found by name among thousands, in any order', () => {
    const inputs = Array.from({ length: 5000 }, (_, index) => ({
      name: `i${index}`,
      datatype: 'FP32' as const,
      shape: [-1],
    }));
    const bound = bindInputs(
      inputs.toReversed().map(({ name }) => input(name, 'FP32', [1])),
      { inputs, outputs: signature.outputs },
      4,
    );
    expect(bound.inputs.map(({ name }) => name)).toEqual(inputs.map(({ name }) => name));
  });
});

test('an output that the model does not have is named', () => {
  expect(() => checkOutputs(['y'], signature)).not.toThrow();
  expect(() => checkOutputs(['y', 'z'], signature)).toThrow('outputs[1]: the model has no output "z", it has "y"');
});

describe('parameters', () => {
  test('of the server are taken out, the rest is the model’s', () => {
    expect(
      inferOptions({
        timeout: 5,
        binary_data_output: true,
        sequence_id: 0,
        sequence_start: false,
        priority: 0,
        content_type: 'np',
      }),
    ).toEqual({
      timeoutMicros: 5,
      isBinaryOutput: true,
      modelParameters: { content_type: 'np' },
    });
  });

  test.each([
    [{ sequence_id: 7 }, 'not_offered'],
    [{ sequence_id: 2n ** 63n }, 'not_offered'],
    [{ priority: 1 }, 'not_offered'],
    [{ triton_enable_empty_final_response: true }, 'not_offered'],
    [{ triton_secret: 1 }, 'invalid_inference_request'],
    [{ timeout: -1 }, 'invalid_inference_request'],
    [{ timeout: 'soon' }, 'invalid_inference_request'],
    [{ binary_data_output: 1 }, 'invalid_inference_request'],
  ])('that ask for what there is not are refused: %o', (parameters, expected) => {
    expect(() => inferOptions(parameters)).toThrow(expect.objectContaining({ code: expected }) as Error);
  });
});
