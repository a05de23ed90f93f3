import { type Datatype, type Signature, unpackSample } from '@muster-ml/protocol';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { readSample } from './read-sample.ts';
import { packTensors } from './sample-tensors.ts';

const output = { name: 'y', datatype: 'FP32', shape: [-1] } as const;
const matrix = (width: number, datatype: Datatype = 'FP64', features?: readonly string[]): Signature => ({
  inputs: [{ name: 'X', datatype, shape: [-1, width] }],
  outputs: [output],
  ...(features === undefined ? {} : { features }),
});
const columns: Signature = {
  inputs: [
    { name: 'city', datatype: 'BYTES', shape: [-1, 1] },
    { name: 'rooms', datatype: 'INT64', shape: [-1] },
    { name: 'garden', datatype: 'BOOL', shape: [-1, 1] },
  ],
  outputs: [output],
};

function read(csv: string, signature: Signature) {
  const sample = readSample(csv, signature);
  return { features: sample.features, ...unpackSample(packTensors(sample.tensors, [], false)) };
}
const doubles = (payload: Uint8Array): number[] => [...new Float64Array(new Uint8Array(payload).buffer)];

describe('a sample for a matrix', () => {
  test('names the features where the file does not', () => {
    const sample = read('a, b \n1,2\n3,4\n', matrix(2));
    expect(sample.features).toEqual(['a', 'b']);
    expect(sample.inputs).toEqual([{ name: 'X', datatype: 'FP64', shape: [2, 2], size: 32 }]);
    expect(doubles(sample.payload)).toEqual([1, 2, 3, 4]);
  });

  test('may have its columns in any order where the names are known', () => {
    const sample = read('b,a\n1,2\n3,4\n', matrix(2, 'FP64', ['a', 'b']));
    expect(sample.features).toEqual(['a', 'b']);
    expect(doubles(sample.payload)).toEqual([2, 1, 4, 3]);
  });

  test('any width of the model takes the width of the sample', () => {
    expect(read('a,b,c\n1,2,3\n', matrix(-1)).features).toEqual(['a', 'b', 'c']);
  });

  test('a fixed number of rows takes that many, and no fewer', () => {
    const fixed: Signature = { inputs: [{ name: 'X', datatype: 'FP64', shape: [2, 1] }], outputs: [output] };
    expect(doubles(read('a\n1\n2\n3\n', fixed).payload)).toEqual([1, 2]);
    expect(() => read('a\n1\n', fixed)).toThrow('2 rows at once');
  });

  test('every double comes through as it was written', () => {
    const double = fc.double({ noNaN: true, noDefaultInfinity: true });
    fc.assert(
      fc.property(fc.array(double, { minLength: 1, maxLength: 60 }), (values) => {
        const cells = values.map((value) => (Object.is(value, -0) ? '-0' : String(value)));
        expect(doubles(read(`a\n${cells.join('\n')}\n`, matrix(1)).payload)).toEqual(values);
      }),
    );
  });

  test('empty cells and the usual words are NaN and infinity', () => {
    expect(doubles(read('a,b\n,nan\ninf,-Infinity\n', matrix(2)).payload)).toEqual([
      Number.NaN,
      Number.NaN,
      Number.POSITIVE_INFINITY,
      Number.NEGATIVE_INFINITY,
    ]);
  });

  test('only the first 64 rows are kept', () => {
    expect(read(`a\n${'1\n'.repeat(100)}`, matrix(1)).inputs[0]?.shape).toEqual([64, 1]);
  });
});

describe('a sample for one input a column', () => {
  test('gives each input its column in its type', () => {
    const sample = read('garden,city,rooms\ntrue,"Köln, Süd",3\n0,,-4.0\n', columns);
    expect(sample.features).toBeUndefined();
    expect(sample.inputs).toEqual([
      { name: 'city', datatype: 'BYTES', shape: [2, 1], size: 4 + 11 + 4 },
      { name: 'rooms', datatype: 'INT64', shape: [2], size: 16 },
      { name: 'garden', datatype: 'BOOL', shape: [2, 1], size: 2 },
    ]);
    const { payload } = sample;
    expect(new TextDecoder().decode(payload.subarray(4, 15))).toBe('Köln, Süd');
    expect([...new BigInt64Array(payload.slice(19, 35).buffer)]).toEqual([3n, -4n]);
    expect([...payload.subarray(35)]).toEqual([1, 0]);
  });

  test('an optional input may be left out', () => {
    const optional: Signature = {
      ...columns,
      inputs: columns.inputs.map((input) => (input.name === 'garden' ? { ...input, optional: true } : input)),
    };
    expect(read('city,rooms\na,1\n', optional).inputs.map((input) => input.name)).toEqual(['city', 'rooms']);
    expect(read('city,rooms,garden\na,1,1\n', optional).inputs).toHaveLength(3);
  });
});

describe('the numeric types', () => {
  test.each<[Datatype, string, number[]]>([
    ['FP32', '0.1', [205, 204, 204, 61]],
    ['FP16', '1.5', [0, 62]],
    ['BF16', '1.5', [192, 63]],
    ['INT8', '-1', [255]],
    ['UINT8', '255', [255]],
    ['INT16', '-2', [254, 255]],
    ['UINT16', '65535', [255, 255]],
    ['INT32', '-2147483648', [0, 0, 0, 128]],
    ['UINT32', '4294967295', [255, 255, 255, 255]],
    ['INT64', '9007199254740993', [1, 0, 0, 0, 0, 0, 32, 0]],
    ['UINT64', '18446744073709551615', [255, 255, 255, 255, 255, 255, 255, 255]],
  ])('%s holds %s', (datatype, cell, bytes) => {
    expect([...read(`a\n${cell}\n`, matrix(1, datatype)).payload]).toEqual(bytes);
  });

  test.each<[Datatype, string]>([
    ['INT8', '128'],
    ['UINT8', '-1'],
    ['INT32', '1.5'],
    ['INT64', '9223372036854775808'],
    ['INT64', '""'],
    ['BOOL', 'maybe'],
    ['FP64', '1,5'.replace(',', ';')],
    ['FP64', '0x10'],
  ])('%s does not hold %s, and the error names the place, not the value', (datatype, cell) => {
    const failing = () => read(`a,b\n1,1\n1,${cell}\n`, matrix(2, datatype));
    expect(failing).toThrow(expect.objectContaining({ code: 'invalid_sample' }));
    expect(failing).toThrow('row 2, column b');
  });
});

describe('what is no sample', () => {
  test.each([
    ['no row', 'a,b\n', matrix(2), 'at least one row'],
    ['nothing', '', matrix(2), 'at least one row'],
    ['rows of different length', 'a,b\n1\n', matrix(2), 'Invalid Record Length'],
    ['an open quote', 'a,b\n"1,2\n', matrix(2), 'Quote Not Closed'],
    ['too many columns', 'i,a,b\n0,1,2\n', matrix(2), '3 columns, the model takes 2'],
    ['a column twice', 'a,a\n1,2\n', matrix(2), 'a is there twice'],
    ['a column without a name', ',b\n1,2\n', matrix(2), 'no name'],
    ['other names', 'a,target\n1,2\n', matrix(2, 'FP64', ['a', 'b']), 'lacks “b” and has “target”'],
    ['a missing input', 'city,rooms\na,1\n', columns, 'lacks “garden”'],
  ])('%s', (_name, csv, signature, message) => {
    expect(() => readSample(csv, signature)).toThrow(expect.objectContaining({ code: 'invalid_sample' }));
    expect(() => readSample(csv, signature)).toThrow(message);
  });

  test('images and other tensors do not fit into a cell', () => {
    const image: Signature = {
      inputs: [{ name: 'pixels', datatype: 'FP32', shape: [-1, 3, 8, 8] }],
      outputs: [output],
    };
    expect(() => readSample('pixels\n1\n', image)).toThrow('[-1, 3, 8, 8]');
  });
});
