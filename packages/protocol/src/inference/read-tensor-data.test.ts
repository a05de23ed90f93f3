import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { tensorNumbers, tensorTexts } from './tensor-values.ts';
import { code, read, readData, tensors, withoutNanPayload } from '../../test-support/infer-requests.ts';
import { writeInferResponse } from './write-infer-response.ts';

describe('data as JSON', () => {
  test('every tensor that is written reads back as the same one', () => {
    fc.assert(
      fc.property(tensors, (tensor) => {
        const { json } = writeInferResponse({
          modelName: 'm',
          modelVersion: '1',
          id: undefined,
          outputs: [tensor],
          binary: undefined,
        });
        const [back] = read(
          JSON.stringify({ id: 'x' }).replace(
            '}',
            `,${json.slice(json.indexOf('"outputs"')).replace('"outputs"', '"inputs"')}`,
          ),
        ).inputs;
        if (back === undefined) throw new Error('no input');
        expect(back.shape).toEqual(tensor.shape);
        expect(withoutNanPayload(back)).toEqual(withoutNanPayload(tensor));
      }),
      { numRuns: 1000 },
    );
  });

  test.each([
    ['INT8', '[-128,127]', [-128, 127]],
    ['INT16', '[-32768,32767]', [-32_768, 32_767]],
    ['INT32', '[-2147483648,2147483647]', [-2_147_483_648, 2_147_483_647]],
    ['INT64', '[-9223372036854775808,9223372036854775807]', [-(2n ** 63n), 2n ** 63n - 1n]],
    ['INT64', '[-1,4294967296]', [-1n, 4_294_967_296n]],
    ['INT64', '[9007199254740993,-9007199254740993]', [9_007_199_254_740_993n, -9_007_199_254_740_993n]],
    ['UINT8', '[0,255]', [0, 255]],
    ['UINT16', '[0,65535]', [0, 65_535]],
    ['UINT32', '[0,4294967295]', [0, 4_294_967_295]],
    ['UINT64', '[0,18446744073709551615]', [0n, 2n ** 64n - 1n]],
    ['BOOL', '[true,0]', [1, 0]],
    ['INT32', '[1.0,2e2]', [1, 200]],
    ['FP16', '[65504,5.960464477539063e-8]', [65_504, 2 ** -24]],
    ['FP32', '[3.4028234663852886e38,1.401298464324817e-45]', [3.4028234663852886e38, 2 ** -149]],
    ['FP64', '[1.7976931348623157e308,5e-324]', [Number.MAX_VALUE, Number.MIN_VALUE]],
  ])('%s reads %s exactly', (datatype, data, values) => {
    expect(Array.from<number | bigint>(tensorNumbers(readData(datatype, [2], data)) as ArrayLike<number>)).toEqual(
      values,
    );
  });

  test.each([
    ['UINT8', '300'],
    ['UINT8', '-1'],
    ['UINT16', '-1'],
    ['INT32', '1.5'],
    ['INT32', '2147483648'],
    ['INT64', '9223372036854775808'],
    ['INT64', '-9223372036854775809'],
    ['INT64', '0.5'],
    ['INT64', '"1"'],
    ['INT64', '1'.repeat(100_000)],
    ['UINT64', '-1'],
    ['UINT64', '18446744073709551616'],
    ['BOOL', '2'],
    ['BOOL', '"true"'],
    ['INT8', 'null'],
    ['INT8', 'NaN'],
    ['FP32', '1e39'],
    ['FP32', '"1.5"'],
    ['FP32', 'true'],
    ['FP64', '1e400'],
    ['FP16', '70000'],
    ['BF16', '3.4e38'],
    ['BYTES', '1'],
    ['FP32', '{"a":1}'],
  ])('%s refuses %.20s', (datatype, value) => {
    expect(code(() => readData(datatype, [1], `[${value}]`))).toBe('invalid_data');
  });

  test('NaN and infinity are read in all the forms that clients send', () => {
    for (const datatype of ['FP16', 'BF16', 'FP32', 'FP64']) {
      const tensor = readData(datatype, [8], '[NaN, null, "NaN", Infinity, "Infinity", -Infinity, "-Infinity", -0]');
      expect(Array.from(tensorNumbers(tensor) as ArrayLike<number>)).toEqual([
        NaN,
        NaN,
        NaN,
        Infinity,
        Infinity,
        -Infinity,
        -Infinity,
        -0,
      ]);
    }
  });

  test('a decimal becomes the same number as by JSON.parse, rounded once more for FP32', () => {
    const decimal = fc.oneof(
      fc.double({ noNaN: true, noDefaultInfinity: true, min: -3e38, max: 3e38 }).map(String),
      fc.double({ noNaN: true, min: -1, max: 1 }).map((value) => value.toPrecision(17)),
      fc.float({ noNaN: true, noDefaultInfinity: true }).map(String),
      // The middle of two float32, or one digit beside it, where the last digit decides.
      fc
        .record({
          step: fc.nat({ max: 2 ** 23 - 1 }),
          digits: fc.constantFrom(17, 20, 24),
          nudge: fc.constantFrom('', '1'),
        })
        .map(({ step, digits, nudge }) => (1 + (2 * step + 1) * 2 ** -24).toFixed(digits) + nudge),
      fc
        .tuple(fc.bigInt({ min: 0n, max: 10n ** 30n }), fc.integer({ min: -30, max: 5 }))
        .map(([digits, exponent]) => `${digits}e${exponent}`),
    );
    fc.assert(
      fc.property(fc.array(decimal, { minLength: 1, maxLength: 5 }), (texts) => {
        const data = `[${texts.join(' ,\n')}]`;
        const values = JSON.parse(data) as number[];
        expect(Array.from(tensorNumbers(readData('FP64', [texts.length], data)) as ArrayLike<number>)).toEqual(values);
        expect(Array.from(tensorNumbers(readData('FP32', [texts.length], data)) as ArrayLike<number>)).toEqual(
          values.map(Math.fround),
        );
      }),
      { numRuns: 3000 },
    );
  });

  test('flat, nested and bare data give the same bytes', () => {
    const flat = readData('FP32', [2, 2], '[1,2,3,4]').bytes;
    expect(readData('FP32', [2, 2], '[[1,2],[3,4]]').bytes).toEqual(flat);
    expect(readData('FP32', [2, 2], '[[[1],[2]],3,[4]]').bytes).toEqual(flat);
    expect(readData('FP32', [1], '7').bytes).toEqual(readData('FP32', [1], '[7]').bytes);
    expect(readData('BYTES', [], '"a"').bytes).toEqual(Uint8Array.of(1, 0, 0, 0, 97));
  });

  test('scalars and empty tensors work', () => {
    expect(readData('FP32', [], '[1]').bytes.length).toBe(4);
    expect(readData('FP32', [0, 3], '[]').bytes.length).toBe(0);
    expect(readData('FP32', [2, 0], '[[],[]]').bytes.length).toBe(0);
  });

  test('BYTES keeps U+0000, emoji and the empty string', () => {
    expect(tensorTexts(readData('BYTES', [4], String.raw`["\u0000","😀","","\ud83d\ude00é\n"]`))).toEqual([
      '\u0000',
      '😀',
      '',
      '😀é\n',
    ]);
  });

  test('base64 is decoded only where it is declared', () => {
    const json = (parameters: string): string =>
      `{"inputs":[{"name":"x","datatype":"BYTES","shape":[1],"data":["/w=="]${parameters}}]}`;
    expect(read(json(',"parameters":{"content_type":"base64"}')).inputs[0]?.bytes).toEqual(
      Uint8Array.of(1, 0, 0, 0, 255),
    );
    expect(read(json('')).inputs[0]?.bytes.length).toBe(8);
    expect(code(() => read(json(',"parameters":{"content_type":"base64"}').replace('/w==', '/')))).toBe('invalid_data');
  });

  test.each([
    ['[2]', '[1]'],
    ['[2]', '[1,2,3]'],
    ['[1]', '[]'],
    ['[]', '[]'],
    ['[1000000000]', '[1]'],
  ])('the shape %s with data %s is refused', (shape, data) => {
    const text = `{"inputs":[{"name":"x","datatype":"FP64","shape":${shape},"data":${data}}]}`;
    expect(code(() => read(text))).toBe('invalid_data');
  });

  test('a misfit is named by its index, without its value', () => {
    expect(() => readData('INT32', [3], '[1,[2,"secret"]]')).toThrow(
      expect.objectContaining({ place: 'inputs[0].data[2]' }) as Error,
    );
    expect(() => readData('INT32', [3], '[1,[2,"secret"]]')).not.toThrow('secret');
  });

  test('101 levels of data are refused', () => {
    expect(readData('FP32', [1], `${'['.repeat(100)}1${']'.repeat(100)}`).bytes.length).toBe(4);
    expect(code(() => readData('FP32', [1], `${'['.repeat(101)}1${']'.repeat(101)}`))).toBe('invalid_json');
    expect(code(() => readData('FP32', [1], '['.repeat(1_000_000)))).toBe('invalid_json');
  });
});
