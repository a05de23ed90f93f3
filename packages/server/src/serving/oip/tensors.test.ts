import { deflateRawSync, deflateSync, gunzipSync, gzipSync, inflateSync } from 'node:zlib';
import { type Datatype, datatypeSizes, packByteElements } from '@muster-ml/protocol';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type EchoGateway, echoEndpoint, startEchoGateway } from '../../../test-support/echo-gateway.ts';
import { binaryBody, expectError, responseOf } from '../../../test-support/oip-answers.ts';

// Numbers at the front of a test's name are those of the conformance checklist.

const datatypes = Object.keys(datatypeSizes) as Datatype[];
const matrix = { name: 'x', datatype: 'FP32', shape: [-1, 3] } as const;
const row = { name: 'x', shape: [1, 3], datatype: 'FP32', data: [1, 2, 3] };

let gateway: EchoGateway;

beforeAll(async () => {
  gateway = await startEchoGateway([
    echoEndpoint('fraud', [matrix]),
    echoEndpoint('two', [
      { name: 'a', datatype: 'FP32', shape: [-1] },
      { name: 'b', datatype: 'INT64', shape: [-1] },
    ]),
    echoEndpoint('scalar', [{ name: 'x', datatype: 'FP32', shape: [] }]),
    echoEndpoint('wide', [{ name: 'x', datatype: 'FP32', shape: [-1, -1] }]),
    ...datatypes.map((datatype) =>
      echoEndpoint(`echo-${datatype.toLowerCase()}`, [{ name: 'x', datatype, shape: [-1] }]),
    ),
  ]);
});

afterAll(() => gateway.close());

describe('JSON', () => {
  const data = async (datatype: string, text: string, count: number): Promise<string> => {
    const answer = await gateway.infer(
      `echo-${datatype.toLowerCase()}`,
      `{"inputs":[{"name":"x","datatype":"${datatype}","shape":[${count}],"data":${text}}]}`,
    );
    responseOf(answer);
    return /"data":(\[[^\]]*\])/.exec(answer.body.toString())?.[1] ?? '';
  };

  test('16: flat and nested data give the same answer', async () => {
    const flat = await gateway.infer('fraud', { inputs: [{ ...row, shape: [2, 3], data: [1, 2, 3, 4, 5, 6] }] });
    const nested = await gateway.infer('fraud', {
      inputs: [
        {
          ...row,
          shape: [2, 3],
          data: [
            [1, 2, 3],
            [4, 5, 6],
          ],
        },
      ],
    });
    expect(responseOf(flat).json.outputs[0]?.data).toEqual([1, 2, 3, 4, 5, 6]);
    expect(nested.body).toEqual(flat.body);
  });

  test.each([
    ['BOOL', '[true,false]'],
    ['UINT8', '[0,255]'],
    ['UINT16', '[0,65535]'],
    ['UINT32', '[0,4294967295]'],
    ['UINT64', '[0,18446744073709551615]'],
    ['INT8', '[-128,127]'],
    ['INT16', '[-32768,32767]'],
    ['INT32', '[-2147483648,2147483647]'],
    ['INT64', '[-9223372036854775808,9223372036854775807]'],
    ['FP16', '[-65504,65504]'],
    ['BF16', '[-1.5,3.39e+38]'],
    ['FP32', '[-3.4028235e+38,1e-45]'],
    ['FP64', '[-1.7976931348623157e+308,5e-324]'],
  ])('17, 18: %s round-trips %s', async (datatype, text) => {
    expect(await data(datatype, text, 2)).toBe(text);
  });

  test('19: what does not fit its datatype is 400', async () => {
    for (const [datatype, value] of [
      ['UINT8', '300'],
      ['UINT16', '-1'],
      ['INT32', '1.5'],
    ]) {
      expectError(
        await gateway.infer(
          `echo-${datatype?.toLowerCase()}`,
          `{"inputs":[{"name":"x","datatype":"${datatype}","shape":[1],"data":[${value}]}]}`,
        ),
        400,
        'inputs[0].data[0]',
      );
    }
  });

  test('20, 21: NaN and infinity are read in all forms and answered as strict JSON', async () => {
    expect(await data('FP32', '[NaN,null,"NaN",Infinity,"Infinity",-Infinity,"-Infinity"]', 7)).toBe(
      '["NaN","NaN","NaN","Infinity","Infinity","-Infinity","-Infinity"]',
    );
  });

  test('22: BYTES keeps U+0000, emoji and the empty string', async () => {
    expect(JSON.parse(await data('BYTES', String.raw`["\u0000","😀",""]`, 3))).toEqual(['\u0000', '😀', '']);
  });

  test('23: an output that is not UTF-8 is 400 in JSON and passes as binary', async () => {
    const section = packByteElements([Uint8Array.of(0xff)]);
    const input = { name: 'x', datatype: 'BYTES', shape: [1], parameters: { binary_data_size: section.length } };
    expectError(
      await gateway.call('POST', '/v2/models/echo-bytes/infer', binaryBody({ inputs: [input] }, section)),
      400,
      'binary',
    );
    const answer = await gateway.call(
      'POST',
      '/v2/models/echo-bytes/infer',
      binaryBody({ inputs: [input], parameters: { binary_data_output: true } }, section),
    );
    expect(responseOf(answer).sections[0]).toEqual(Buffer.from(section));
  });

  test('24: the shapes [] and [0,3] work, where the model takes them', async () => {
    expect(
      responseOf(await gateway.infer('scalar', { inputs: [{ name: 'x', datatype: 'FP32', shape: [], data: [7] }] }))
        .json.outputs[0],
    ).toMatchObject({ shape: [], data: [7] });
    expect(
      responseOf(await gateway.infer('fraud', { inputs: [{ ...row, shape: [0, 3], data: [] }] })).json.outputs[0],
    ).toMatchObject({ shape: [0, 3], data: [] });
    expectError(await gateway.infer('fraud', { inputs: [{ ...row, shape: [], data: [1] }] }), 400, 'shape');
  });

  test('25: data of another count than the shape is 400', async () => {
    expectError(
      await gateway.infer('fraud', { inputs: [{ ...row, data: [1, 2] }] }),
      400,
      'data holds 2 elements, the shape [1,3] has 3',
    );
  });

  test('26: an id is echoed, none stays none', async () => {
    expect(responseOf(await gateway.infer('fraud', { id: 'é"1', inputs: [row] })).json.id).toBe('é"1');
    expect(responseOf(await gateway.infer('fraud', { inputs: [row] })).json).not.toHaveProperty('id');
  });

  test('27: outputs come as they are listed, all where none is', async () => {
    const inputs = [
      { name: 'a', datatype: 'FP32', shape: [1], data: [1] },
      { name: 'b', datatype: 'INT64', shape: [1], data: [2] },
    ];
    const names = async (outputs: unknown): Promise<string[]> =>
      responseOf(await gateway.infer('two', { inputs, outputs })).json.outputs.map(({ name }) => name);
    expect(await names(undefined)).toEqual(['a_out', 'b_out']);
    expect(await names([])).toEqual(['a_out', 'b_out']);
    expect(await names([{ name: 'b_out' }, { name: 'a_out' }])).toEqual(['b_out', 'a_out']);
    expect(await names([{ name: 'b_out' }])).toEqual(['b_out']);
  });

  test('28: unknown, missing and repeated inputs and outputs are 400 and named', async () => {
    expectError(await gateway.infer('fraud', { inputs: [row, { ...row, name: 'z' }] }), 400, '"z"');
    expectError(await gateway.infer('fraud', { inputs: [] }), 400, '"x"');
    expectError(await gateway.infer('fraud', { inputs: [row, row] }), 400, '"x"');
    expectError(await gateway.infer('fraud', { inputs: [row], outputs: [{ name: 'q' }] }), 400, '"q"');
    expectError(
      await gateway.infer('fraud', { inputs: [row], outputs: [{ name: 'x_out' }, { name: 'x_out' }] }),
      400,
      '"x_out"',
    );
    expectError(
      await gateway.infer('fraud', { inputs: [row], outputs: [{ name: 'x_out', parameters: { classification: 2 } }] }),
      501,
    );
  });

  test('29: unknown fields and model_name are ignored', async () => {
    const answer = await gateway.infer('fraud', {
      model_name: 'other',
      model_version: '9',
      extra: [{}],
      inputs: [{ ...row, extra: 1 }],
    });
    expect(responseOf(answer).json).toMatchObject({ model_name: 'fraud', model_version: '3' });
  });
});

describe('the binary form', () => {
  const floats = Buffer.from(Float32Array.of(1, 2, 3).buffer);
  const binaryRow = { name: 'x', shape: [1, 3], datatype: 'FP32', parameters: { binary_data_size: 12 } };

  test('31: all inputs binary, all outputs binary', async () => {
    const answer = await gateway.call(
      'POST',
      '/v2/models/fraud/infer',
      binaryBody({ inputs: [binaryRow], parameters: { binary_data_output: true } }, floats),
    );
    const { json, sections } = responseOf(answer);
    expect(sections).toEqual([floats]);
    expect(json).toMatchObject({
      model_name: 'fraud',
      outputs: [{ name: 'x_out', shape: [1, 3], parameters: { binary_data_size: 12 } }],
    });
    expect(answer.headers['content-length']).toBe(String(answer.body.length));
  });

  test('32, 40: binary and JSON mix both ways, at odd offsets', async () => {
    const long = Buffer.from(BigInt64Array.of(-5n).buffer);
    for (const id of ['', 'a', 'ab', 'abc', 'abcd', 'abcde', 'abcdef', 'abcdefg']) {
      const json = {
        id,
        inputs: [
          { name: 'a', datatype: 'FP32', shape: [1], data: [0.1] },
          { name: 'b', datatype: 'INT64', shape: [1], parameters: { binary_data_size: 8 } },
        ],
        outputs: [{ name: 'a_out', parameters: { binary_data: true } }, { name: 'b_out' }],
      };
      const { json: answered, sections } = responseOf(
        await gateway.call('POST', '/v2/models/two/infer', binaryBody(json, long)),
      );
      expect(answered.outputs[1]?.data).toEqual([-5]);
      expect(sections).toEqual([Buffer.from(Float32Array.of(0.1).buffer)]);
    }
  });

  test('33–35: the own setting of an output beats that of the request, which beats JSON', async () => {
    const inputs = [
      { name: 'a', datatype: 'FP32', shape: [1], data: [1] },
      { name: 'b', datatype: 'INT64', shape: [1], data: [2] },
    ];
    const sizes = async (parameters: unknown, outputs?: unknown): Promise<number> =>
      responseOf(await gateway.infer('two', { inputs, parameters, outputs })).sections.length;
    expect(await sizes({ binary_data_output: true })).toBe(2);
    expect(
      await sizes({ binary_data_output: true }, [
        { name: 'a_out', parameters: { binary_data: false } },
        { name: 'b_out' },
      ]),
    ).toBe(1);
    expect(
      await sizes({ binary_data_output: false }, [
        { name: 'a_out', parameters: { binary_data: true } },
        { name: 'b_out' },
      ]),
    ).toBe(1);
    expect(await sizes(undefined, [{ name: 'a_out' }])).toBe(0);
  });

  test('36: the header works in any case, and where it equals the body', async () => {
    const body = JSON.stringify({ inputs: [row] });
    expect(
      responseOf(await gateway.infer('fraud', body, { 'INFERENCE-header-content-LENGTH': String(body.length) })).json
        .outputs,
    ).toHaveLength(1);
  });

  test('37: a raw request is one row and answered as binary', async () => {
    const answer = await gateway.call('POST', '/v2/models/fraud/infer', {
      headers: { 'inference-header-content-length': '0' },
      body: floats,
    });
    expect(responseOf(answer)).toMatchObject({ sections: [floats], json: { outputs: [{ shape: [1, 3] }] } });
    const text = await gateway.call('POST', '/v2/models/echo-bytes/infer', {
      headers: { 'inference-header-content-length': '0' },
      body: 'hello',
    });
    expect(responseOf(text).sections[0]).toEqual(Buffer.from(packByteElements([Buffer.from('hello')])));
  });

  test.each([
    [
      'a header that is no number',
      { ...binaryBody({ inputs: [binaryRow] }, floats), headers: { 'inference-header-content-length': '1x' } },
    ],
    [
      'a header beyond the body',
      { ...binaryBody({ inputs: [binaryRow] }, floats), headers: { 'inference-header-content-length': '9999' } },
    ],
    ['a short section', binaryBody({ inputs: [binaryRow] }, floats.subarray(1))],
    ['bytes left over', binaryBody({ inputs: [binaryRow] }, floats, Buffer.of(1))],
    ['a size that does not fit the shape', binaryBody({ inputs: [{ ...binaryRow, shape: [1, 2] }] }, floats)],
    ['a size without the header', { headers: {}, body: JSON.stringify({ inputs: [binaryRow] }) }],
    ['data and a size', binaryBody({ inputs: [{ ...binaryRow, data: [1, 2, 3] }] }, floats)],
    ['neither data nor a size', binaryBody({ inputs: [{ name: 'x', shape: [1, 3], datatype: 'FP32' }] })],
  ])('38: %s is 400', async (_name, options) => {
    expectError(await gateway.call('POST', '/v2/models/fraud/infer', options), 400);
  });

  test('39: data: null with a size of 0 is an empty tensor', async () => {
    const answer = await gateway.call(
      'POST',
      '/v2/models/fraud/infer',
      binaryBody({
        inputs: [{ ...binaryRow, shape: [0, 3], data: null, parameters: { binary_data_size: 0 } }],
        parameters: { binary_data_output: true },
      }),
    );
    expect(responseOf(answer).json.outputs[0]).toMatchObject({ shape: [0, 3], parameters: { binary_data_size: 0 } });
  });

  test('41: bodies may be compressed, both ways, and the header counts what was', async () => {
    const plain = binaryBody({ inputs: [binaryRow] }, floats);
    for (const [coding, body] of [
      ['gzip', gzipSync(plain.body)],
      ['deflate', deflateSync(plain.body)],
      ['deflate', deflateRawSync(plain.body)],
    ] as const) {
      const answer = await gateway.call('POST', '/v2/models/fraud/infer', {
        headers: { ...plain.headers, 'content-encoding': coding },
        body,
      });
      expect(responseOf(answer).json.outputs[0]?.data).toEqual([1, 2, 3]);
    }
    const unknown = await gateway.infer('fraud', { inputs: [row] }, { 'content-encoding': 'br' });
    expectError(unknown, 415);
    expect(unknown.headers['accept-encoding']).toBe('gzip, deflate');
    expectError(await gateway.infer('fraud', { inputs: [row] }, { 'content-encoding': 'gzip' }), 400);

    const large = {
      inputs: [{ name: 'x', datatype: 'FP32', shape: [1, 2000], data: Array.from({ length: 2000 }, () => 1.5) }],
      parameters: { binary_data_output: true },
    };
    const uncompressed = await gateway.infer('wide', large);
    for (const [accepted, coding, inflate] of [
      ['gzip, deflate', 'gzip', gunzipSync],
      ['gzip;q=0.5, deflate', 'deflate', inflateSync],
      ['br, *', 'gzip', gunzipSync],
    ] as const) {
      const answer = await gateway.infer('wide', large, { 'accept-encoding': accepted });
      expect(answer.headers['content-encoding']).toBe(coding);
      expect(answer.headers['inference-header-content-length']).toBe(
        uncompressed.headers['inference-header-content-length'],
      );
      expect(inflate(answer.body)).toEqual(uncompressed.body);
    }
    for (const accepted of ['br', 'gzip;q=0', 'identity', 'identity, gzip;q=0.5']) {
      expect(
        (await gateway.infer('wide', large, { 'accept-encoding': accepted })).headers['content-encoding'],
      ).toBeUndefined();
    }
  });

  test('42: a chunked body, and a missing or odd Content-Type', async () => {
    const { headers, body } = binaryBody({ inputs: [binaryRow] }, floats);
    const chunks = Array.from({ length: body.length }, (_, index) => body.subarray(index, index + 1));
    expect(
      responseOf(
        await gateway.call('POST', '/v2/models/fraud/infer', {
          headers: { ...headers, 'transfer-encoding': 'chunked' },
          body: chunks,
        }),
      ).json.outputs,
    ).toHaveLength(1);
    for (const type of ['application/json', 'application/x-www-form-urlencoded', 'nonsense']) {
      expect(
        (await gateway.call('POST', '/v2/models/fraud/infer', { headers: { ...headers, 'content-type': type }, body }))
          .status,
      ).toBe(200);
    }
  });

  test('43: errors, metadata and small answers are never compressed', async () => {
    const headers = { 'accept-encoding': 'gzip' };
    expect((await gateway.call('GET', '/v2/models', { headers })).headers['content-encoding']).toBeUndefined();
    expectError(await gateway.infer(`nobody${'x'.repeat(3000)}`, {}, headers), 404);
    expect((await gateway.infer('fraud', { inputs: [row] }, headers)).headers['content-encoding']).toBeUndefined();
  });
});
