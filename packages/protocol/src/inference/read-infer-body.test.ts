import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { InferRequest } from './infer-request.ts';
import { rawInferRequest, readHeaderLength, readInferBody } from './read-infer-body.ts';
import type { Datatype } from './tensor.ts';
import { code, encoder, read, tensors, withoutNanPayload } from '../../test-support/infer-requests.ts';

describe('shapes', () => {
  test.each(['[2147483648,2147483648]', '[9007199254740992]', '[-1]', '[1.5]', '["1"]', '[null]', '[1e300]'])(
    '%s is refused, without allocating',
    (shape) => {
      expect(code(() => read(`{"inputs":[{"name":"x","datatype":"FP32","shape":${shape},"data":[1]}]}`))).toBe(
        'invalid_shape',
      );
    },
  );
});

describe('the request', () => {
  test('keys may come in any order', () => {
    const keys = [
      '"name":"x"',
      '"datatype":"INT16"',
      '"shape":[2]',
      '"data":[[1],[-2]]',
      '"extra":{"a":[1,{"b":null}]}',
    ];
    fc.assert(
      fc.property(fc.shuffledSubarray(keys, { minLength: keys.length }), (order) => {
        expect(read(`{"inputs":[{${order.join(',')}}]}`).inputs[0]?.bytes).toEqual(Uint8Array.of(1, 0, 254, 255));
      }),
    );
  });

  test('of a repeated key the last counts', () => {
    const request = read(
      '{"id":"a","id":"b","inputs":[{"name":"x","datatype":"INT8","shape":[1],"data":[1],"datatype":"INT16"}]}',
    );
    expect(request.id).toBe('b');
    expect(request.inputs[0]?.bytes.length).toBe(2);
  });

  test('parameters keep their kinds, exactly', () => {
    const { parameters } = read(
      '{"inputs":[],"parameters":{"a":"x","b":true,"c":1.5,"d":18446744073709551615,"e":null,"headers":{"x":1},"__proto__":7}}',
    );
    expect(Object.entries(parameters)).toEqual([
      ['a', 'x'],
      ['b', true],
      ['c', 1.5],
      ['d', 18_446_744_073_709_551_615n],
      ['__proto__', 7],
    ]);
    expect(code(() => read('{"inputs":[],"parameters":{"a":[1]}}'))).toBe('invalid_inference_request');
    expect(code(() => read('{"inputs":[],"parameters":{"a":{}}}'))).toBe('invalid_inference_request');
  });

  test.each([
    ['{}', 'invalid_inference_request'],
    ['[]', 'invalid_inference_request'],
    ['', 'invalid_json'],
    ['{"inputs":{}}', 'invalid_inference_request'],
    ['{"inputs":[1]}', 'invalid_inference_request'],
    ['{"inputs":[{}]}', 'invalid_inference_request'],
    ['{"inputs":[{"name":"x","shape":[1],"data":[1]}]}', 'invalid_inference_request'],
    ['{"inputs":[{"name":"x","datatype":"FP32","data":[1]}]}', 'invalid_inference_request'],
    ['{"inputs":[{"name":"x","datatype":"FP32","shape":[1]}]}', 'invalid_inference_request'],
    ['{"inputs":[{"name":"x","datatype":"FP128","shape":[1],"data":[1]}]}', 'invalid_datatype'],
    [
      '{"inputs":[{"name":"x","datatype":"FP32","shape":[1],"data":[1],"parameters":{"binary_data_size":4}}]}',
      'invalid_inference_request',
    ],
    [
      '{"inputs":[{"name":"x","datatype":"FP32","shape":[1],"parameters":{"binary_data_size":4}}]}',
      'invalid_binary_data',
    ],
    [
      '{"inputs":[{"name":"x","datatype":"FP32","shape":[1],"parameters":{"shared_memory_region":"r"}}]}',
      'not_offered',
    ],
  ])('%s fails with %s', (json, expected) => {
    expect(code(() => read(json))).toBe(expected);
  });

  test('mutilated requests never throw anything but a MusterError', () => {
    const body = encoder.encode(
      '{"id":"1","parameters":{"a":1},"inputs":[{"name":"x","datatype":"BYTES","shape":[2],"data":["ab","\\u00e9"]}],"outputs":[{"name":"y"}]}',
    );
    const edits = fc.array(fc.tuple(fc.nat({ max: body.length - 1 }), fc.nat({ max: 255 })), { maxLength: 4 });
    fc.assert(
      fc.property(edits, fc.nat({ max: body.length }), (changes, length) => {
        const mutilated = body.slice(0, length);
        for (const [at, byte] of changes) if (at < length) mutilated[at] = byte;
        code(() => readInferBody(mutilated, undefined));
      }),
      { numRuns: 3000 },
    );
  });
});

describe('the binary form', () => {
  const header = (inputs: string): string => `{"inputs":[${inputs}]}`;
  const binaryInput = (name: string, datatype: string, shape: string, size: number): string =>
    `{"name":"${name}","datatype":"${datatype}","shape":${shape},"parameters":{"binary_data_size":${size}}}`;
  const readBinary = (json: string, ...sections: Uint8Array[]): InferRequest => {
    const head = encoder.encode(json);
    const body = new Uint8Array(head.length + sections.reduce((sum, section) => sum + section.length, 0));
    body.set(head);
    let at = head.length;
    for (const section of sections) {
      body.set(section, at);
      at += section.length;
    }
    return readInferBody(body, head.length);
  };

  test('every tensor passes through untouched, at any offset', () => {
    fc.assert(
      fc.property(fc.array(tensors, { maxLength: 4 }), fc.string({ maxLength: 8 }), (list, id) => {
        const inputs = list
          .map((tensor) => binaryInput('x', tensor.datatype, JSON.stringify(tensor.shape), tensor.bytes.length))
          .join(',');
        const request = readBinary(
          `{"id":${JSON.stringify(id)},"inputs":[${inputs}]}`,
          ...list.map((tensor) => tensor.bytes),
        );
        expect(request.inputs.map(withoutNanPayload)).toEqual(list.map(withoutNanPayload));
        expect(request.inputs.map((input) => [...input.bytes])).toEqual(list.map((tensor) => [...tensor.bytes]));
      }),
    );
  });

  test('data: null beside a size counts as absent', () => {
    const request = readBinary(
      header('{"name":"x","datatype":"FP32","shape":[0],"data":null,"parameters":{"binary_data_size":0}}'),
    );
    expect(request.inputs[0]?.bytes.length).toBe(0);
  });

  test.each([
    ['a short section', binaryInput('x', 'FP32', '[2]', 8), 7],
    ['bytes left over', binaryInput('x', 'FP32', '[2]', 8), 9],
    ['a size that is not shape × size', binaryInput('x', 'FP32', '[2]', 4), 4],
    ['a size beyond the body', binaryInput('x', 'FP32', '[2]', 9_007_199_254_740_991), 8],
    ['BYTES without its prefixes', binaryInput('x', 'BYTES', '[1]', 3), 3],
    ['BYTES with a prefix that points beyond', binaryInput('x', 'BYTES', '[1]', 8), 8],
    ['a size that is no integer', binaryInput('x', 'FP32', '[2]', 1.5), 8],
  ])('%s is refused', (_name, input, bytes) => {
    expect(code(() => readBinary(header(input), new Uint8Array(bytes).fill(1)))).toBe('invalid_binary_data');
  });

  test('the header must be a plain number of bytes within the body', () => {
    expect(readHeaderLength(undefined, 5)).toBeUndefined();
    expect(readHeaderLength('5', 5)).toBe(5);
    for (const bad of ['6', '-1', '+1', '1.0', '0x1', '', ' ', '1,1', '9'.repeat(30)])
      expect(code(() => readHeaderLength(bad, 5))).toBe('invalid_binary_data');
  });

  test('mutilated bodies never throw anything but a MusterError', () => {
    const json = encoder.encode(header(binaryInput('x', 'BYTES', '[2]', 11)));
    const body = Uint8Array.from([...json, 2, 0, 0, 0, 97, 98, 1, 0, 0, 0, 99]);
    const edits = fc.array(fc.tuple(fc.nat({ max: body.length - 1 }), fc.nat({ max: 255 })), { maxLength: 3 });
    fc.assert(
      fc.property(edits, fc.nat({ max: body.length }), fc.integer({ min: -3, max: 3 }), (changes, length, shift) => {
        const mutilated = body.slice(0, length);
        for (const [at, byte] of changes) if (at < length) mutilated[at] = byte;
        code(() => readInferBody(mutilated, Math.max(0, Math.min(length, json.length + shift))));
      }),
      { numRuns: 2000 },
    );
  });

  test('JSON that is cut by the header is malformed, not read on into the sections', () => {
    expect(code(() => readInferBody(encoder.encode('{"inputs":[]}'), 12))).toBe('invalid_json');
    expect(code(() => readInferBody(encoder.encode('{"inputs":[],"a":12}'), 18))).toBe('invalid_json');
  });
});

describe('a raw request', () => {
  const signature = (datatype: Datatype, shape: readonly number[]) => ({
    inputs: [{ name: 'x', datatype, shape }],
    outputs: [{ name: 'y', datatype, shape }],
  });

  test('is one row of the only input', () => {
    expect(rawInferRequest(new Uint8Array(8), signature('FP32', [-1, 2])).inputs[0]).toMatchObject({
      name: 'x',
      shape: [1, 2],
    });
    expect(rawInferRequest(new Uint8Array(12), signature('FP32', [-1, -1])).inputs[0]).toMatchObject({ shape: [1, 3] });
    const [bytes] = rawInferRequest(encoder.encode('hi'), signature('BYTES', [-1, 1])).inputs;
    expect(bytes).toMatchObject({ shape: [1, 1], bytes: Uint8Array.of(2, 0, 0, 0, 104, 105) });
  });

  test('must fit, and needs a model with one input and one open dimension at most', () => {
    expect(code(() => rawInferRequest(new Uint8Array(9), signature('FP32', [-1, 2])))).toBe('invalid_binary_data');
    expect(code(() => rawInferRequest(new Uint8Array(9), signature('FP32', [-1, -1, -1])))).toBe('invalid_binary_data');
    expect(code(() => rawInferRequest(new Uint8Array(9), signature('BYTES', [-1, 2])))).toBe('invalid_binary_data');
    const two = {
      ...signature('FP32', [1]),
      inputs: [...signature('FP32', [1]).inputs, ...signature('FP32', [1]).inputs],
    };
    expect(code(() => rawInferRequest(new Uint8Array(4), two))).toBe('invalid_binary_data');
  });
});
