import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { MusterError } from '../../errors/muster-error.ts';
import { packByteElements } from '../byte-elements.ts';
import { tensorNumbers, tensorTexts } from '../tensor-values.ts';
import { type Datatype, type Signature, type Tensor, missingText } from '../tensor.ts';
import { encodeRows } from './encode-rows.ts';
import { predictionsCsv, predictionsJson } from './predictions.ts';
import { readJsonRows } from './read-json-rows.ts';
import { exampleRow, rowPlan } from './row-plan.ts';
import { textCell } from './text-cell.ts';

const encoder = new TextEncoder();
const place = (row: number): string => `rows[${row}]`;

function signature(inputs: Signature['inputs'], more: Partial<Signature> = {}): Signature {
  return { inputs, outputs: [{ name: 'y', datatype: 'FP32', shape: [-1] }], ...more };
}

const matrix = signature([{ name: 'x', datatype: 'FP32', shape: [-1, 3] }], { features: ['age', 'income', 'tenure'] });

function encode(of: Signature, rows: unknown): Tensor[] {
  const plan = rowPlan(of);
  const read = readJsonRows(encoder.encode(typeof rows === 'string' ? rows : JSON.stringify({ rows })), plan, 100);
  return encodeRows(plan, read, 0, read.length, place);
}

function numbers(tensor: Tensor | undefined): (number | bigint)[] {
  if (tensor === undefined) throw new Error('no tensor');
  return Array.from<number | bigint>(tensorNumbers(tensor) as ArrayLike<number>);
}

function floats(name: string, shape: number[], values: number[], datatype: 'FP32' | 'FP64' = 'FP32'): Tensor {
  const array = datatype === 'FP32' ? Float32Array.from(values) : Float64Array.from(values);
  return { name, datatype, shape, bytes: new Uint8Array(array.buffer) };
}

function failure(run: () => unknown): MusterError {
  try {
    run();
  } catch (error) {
    if (error instanceof MusterError) return error;
    throw error;
  }
  throw new Error('nothing was thrown');
}

describe('the columns of a model', () => {
  test('are its features where its only input is a matrix', () => {
    expect(rowPlan(matrix).columns.map(({ name }) => name)).toEqual(['age', 'income', 'tenure']);
    const unnamed = signature([{ name: 'x', datatype: 'FP32', shape: [-1, 2] }]);
    expect(rowPlan(unnamed).columns.map(({ name }) => name)).toEqual(['f0', 'f1']);
  });

  test('are its inputs otherwise, with the shape behind the rows', () => {
    const plan = rowPlan(
      signature([
        { name: 'text', datatype: 'BYTES', shape: [-1, 1] },
        { name: 'count', datatype: 'INT64', shape: [-1] },
        { name: 'image', datatype: 'UINT8', shape: [-1, 2, 2], optional: true },
      ]),
    );
    expect(plan.columns.map(({ name, shape, isOptional }) => [name, shape, isOptional])).toEqual([
      ['text', [], false],
      ['count', [], false],
      ['image', [2, 2], true],
    ]);
  });
});

describe('rows of JSON', () => {
  test('become one matrix, whatever the order of the fields', () => {
    const [x] = encode(matrix, [
      { age: 1, income: 2, tenure: 3 },
      { tenure: 6, age: 4, income: 5 },
    ]);
    expect(x?.shape).toEqual([2, 3]);
    expect(numbers(x)).toEqual([1, 2, 3, 4, 5, 6]);
  });

  test('take null, NaN and flags for a float', () => {
    const [x] = encode(
      matrix,
      '{"rows":[{"age":null,"income":NaN,"tenure":true},{"age":"NaN","income":"-Infinity","tenure":-Infinity}]}',
    );
    expect(numbers(x)).toEqual([NaN, NaN, 1, NaN, -Infinity, -Infinity]);
  });

  test('become one tensor an input, exactly', () => {
    const of = signature([
      { name: 'id', datatype: 'INT64', shape: [-1, 1] },
      { name: 'text', datatype: 'BYTES', shape: [-1] },
      { name: 'vector', datatype: 'FP64', shape: [-1, 2] },
    ]);
    const tensors = encode(
      of,
      '{"rows":[{"id":9007199254740993,"text":"é","vector":[1,2]},{"id":-1,"text":"","vector":[3,4.5]}]}',
    );
    expect(tensors.map(({ name, shape }) => [name, shape])).toEqual([
      ['id', [2, 1]],
      ['text', [2]],
      ['vector', [2, 2]],
    ]);
    expect(numbers(tensors[0])).toEqual([9_007_199_254_740_993n, -1n]);
    expect(tensors[1] === undefined ? [] : tensorTexts(tensors[1])).toEqual(['é', '']);
    expect(numbers(tensors[2])).toEqual([1, 2, 3, 4.5]);
  });

  test('may have lists of any length where the model takes it, the same in all rows', () => {
    const of = signature([{ name: 'ids', datatype: 'INT32', shape: [-1, -1] }]);
    expect(encode(of, [{ ids: [1, 2, 3] }, { ids: [4, 5, 6] }])[0]?.shape).toEqual([2, 3]);
    expect(failure(() => encode(of, [{ ids: [1, 2] }, { ids: [1] }]))).toMatchObject({
      code: 'invalid_rows',
      place: 'rows[1].ids',
    });
  });

  test('may leave an optional input out, but not in some rows only', () => {
    const of = signature([
      { name: 'a', datatype: 'FP32', shape: [-1] },
      { name: 'b', datatype: 'FP32', shape: [-1], optional: true },
    ]);
    expect(encode(of, [{ a: 1 }, { a: 2 }]).map(({ name }) => name)).toEqual(['a']);
    expect(failure(() => encode(of, [{ a: 1, b: 1 }, { a: 2 }]))).toMatchObject({ place: 'rows[1].b' });
  });

  test.each<[string, Datatype, unknown]>([
    ['text for a number', 'FP32', '1.5'],
    ['null for an integer', 'INT32', null],
    ['a fraction for an integer', 'INT32', 1.5],
    ['an integer out of range', 'UINT8', 256],
    ['a number for text', 'BYTES', 1],
    ['a number too large for its type', 'FP32', 1e39],
    ['a list for a value', 'FP32', [1, 2]],
    ['text for a flag', 'BOOL', 'true'],
  ])('with %s are refused by row and field', (_name, datatype, value) => {
    const of = signature([{ name: 'v', datatype, shape: [-1] }]);
    expect(failure(() => encode(of, [{ v: value }]))).toMatchObject({ code: 'invalid_rows', place: 'rows[0].v' });
  });

  test('name the field that is missing, and the nearest one to a field that is unknown', () => {
    expect(
      failure(() =>
        encode(matrix, [
          { age: 1, income: 2, tenure: 3 },
          { age: 1, tenure: 3 },
        ]),
      ).message,
    ).toBe('rows[1]: "income" is missing');
    expect(failure(() => encode(matrix, [{ age: 1, incomes: 2, tenure: 3 }])).message).toContain(
      'did you mean "income"?',
    );
  });

  test.each([
    '{}',
    '[]',
    '{"rows":1}',
    '{"rows":[1]}',
    '{"rows":[{"age":{}}]}',
    '{"rows":[],"x":1}',
    '{"rows":[{"age":1,"age":2}]}',
  ])('%s is no list of rows', (text) => {
    expect(failure(() => encode(matrix, text)).code).toBe('invalid_rows');
  });

  test('are limited', () => {
    const many = Array.from({ length: 101 }, () => ({ age: 1, income: 1, tenure: 1 }));
    expect(failure(() => encode(matrix, many)).message).toContain('more than 100 rows');
  });

  test('the example row of a model is a row of it', () => {
    const datatype = fc.constantFrom<Datatype[]>('BOOL', 'UINT8', 'INT64', 'FP16', 'BF16', 'FP32', 'BYTES');
    const shape = fc.array(fc.constantFrom(-1, 1, 2), { maxLength: 3 }).map((rest) => [-1, ...rest]);
    const inputs = fc.uniqueArray(fc.record({ name: fc.constantFrom('a', 'b', 'c'), datatype, shape }), {
      minLength: 1,
      selector: ({ name }) => name,
    });
    fc.assert(
      fc.property(inputs, (list) => {
        const of = signature(list);
        expect(encode(of, [exampleRow(rowPlan(of))])).toHaveLength(list.length);
      }),
    );
  });
});

describe('a field of CSV', () => {
  const column = (datatype: Datatype) => ({
    name: 'c',
    input: 0,
    offset: 0,
    datatype,
    shape: [],
    isOptional: false,
    isNullable: false,
    isJson: false,
  });

  test.each<[string, Datatype, unknown]>([
    ['', 'FP32', null],
    ['NaN', 'FP32', null],
    ['-inf', 'FP64', -Infinity],
    [' 1.5e3 ', 'FP32', 1500],
    ['True', 'FP32', true],
    ['1e999', 'FP64', '1e999'],
    ['12', 'INT32', 12],
    ['1.0', 'INT64', 1],
    ['9007199254740993', 'INT64', 9_007_199_254_740_993n],
    ['x', 'INT64', 'x'],
    ['', 'INT64', ''],
    ['FALSE', 'BOOL', false],
    ['1', 'BOOL', true],
    ['', 'BYTES', ''],
    ['12', 'BYTES', '12'],
  ])('"%s" in a column of %s is %s', (text, datatype, cell) => {
    expect(textCell(text, column(datatype))).toEqual(cell);
  });
});

describe('texts that may be missing', () => {
  const city = { name: 'city', datatype: 'BYTES', shape: [-1], nullable: true } as const;
  const of = signature([city], { outputs: [city] });

  test('are null in JSON and empty in CSV, both ways', () => {
    const [tensor] = encode(of, [{ city: null }, { city: 'Köln' }]);
    if (tensor === undefined) throw new Error('no tensor');
    expect(tensor.bytes).toEqual(packByteElements([missingText, encoder.encode('Köln')]));
    expect(predictionsJson([tensor], of, 2)).toEqual(['{"city":null}', '{"city":"Köln"}']);
    expect(predictionsCsv([tensor], of, 2).lines).toEqual(['', 'Köln']);
    const [column] = rowPlan(of).columns;
    if (column !== undefined) expect(textCell('', column)).toBeNull();
  });

  test('are refused as null where the model does not say so', () => {
    const strict = signature([{ name: 'city', datatype: 'BYTES', shape: [-1] }]);
    expect(failure(() => encode(strict, [{ city: null }])).code).toBe('invalid_rows');
  });
});

describe('columns of JSON documents', () => {
  const of = signature([{ name: 'input', datatype: 'BYTES', shape: [-1], isJson: true }], {
    outputs: [{ name: 'input', datatype: 'BYTES', shape: [-1], isJson: true }],
  });

  test('take any value and give it back as it is', () => {
    const values = [{ a: [1, { b: null }] }, [1, 2], 'text', 3];
    const [tensor] = encode(
      of,
      values.map((input) => ({ input })),
    );
    if (tensor === undefined) throw new Error('no tensor');
    expect(predictionsJson([tensor], of, 4).map((row) => JSON.parse(row) as unknown)).toEqual(
      values.map((input) => ({ input })),
    );
    expect(predictionsCsv([tensor], of, 4).lines).toEqual(['"{""a"":[1,{""b"":null}]}"', '"[1,2]"', 'text', '3']);
  });
});

describe('predictions', () => {
  const labels = ['benign', 'malignant'];
  const classifier = signature([], { labels });
  const scores = floats('probabilities', [2, 2], [0.9, 0.1, 0.25, 0.75]);
  const classes: Tensor = {
    name: 'class',
    datatype: 'INT64',
    shape: [2],
    bytes: new Uint8Array(BigInt64Array.of(0n, 1n).buffer),
  };

  test('name the classes, and the likeliest one', () => {
    expect(predictionsJson([classes, scores], classifier, 2).map((text) => JSON.parse(text) as unknown)).toEqual([
      { label: 'benign', class: 0, probabilities: { benign: 0.9, malignant: 0.1 } },
      { label: 'malignant', class: 1, probabilities: { benign: 0.25, malignant: 0.75 } },
    ]);
  });

  test('keep an output that is called label', () => {
    const [first] = predictionsJson([{ ...classes, name: 'label' }, scores], classifier, 2);
    expect(JSON.parse(first ?? '')).toMatchObject({ label: 0 });
  });

  test('are single values for [n] and [n,1], lists else', () => {
    const outputs = [floats('a', [2], [1, 2]), floats('b', [2, 1], [NaN, 0.1]), floats('c', [2, 2, 1], [1, 2, 3, 4])];
    expect(predictionsJson(outputs, signature([]), 2)).toEqual([
      '{"a":1,"b":"NaN","c":[[1],[2]]}',
      '{"a":2,"b":0.1,"c":[[3],[4]]}',
    ]);
  });

  test('keep integers of 64 bits exact', () => {
    const big: Tensor = { ...classes, bytes: new Uint8Array(BigInt64Array.of(2n ** 63n - 1n, 1n).buffer) };
    expect(predictionsJson([big], signature([]), 2)[0]).toBe('{"class":9223372036854775807}');
  });

  test('are columns as CSV', () => {
    const text: Tensor = {
      name: 'note, short',
      datatype: 'BYTES',
      shape: [2],
      bytes: packByteElements([encoder.encode('a "b"'), encoder.encode('c')]),
    };
    expect(predictionsCsv([scores, text, floats('v', [2, 2], [1, NaN, 3, 4])], classifier, 2)).toEqual({
      header: 'label,probabilities.benign,probabilities.malignant,"note, short",v.0,v.1'.replace(
        'v.0,v.1',
        'v.benign,v.malignant',
      ),
      lines: ['benign,0.9,0.1,"a ""b""",1,NaN', 'malignant,0.25,0.75,c,3,4'],
    });
  });

  test('are refused where the model did not answer each row, and where they are not text', () => {
    expect(failure(() => predictionsJson([floats('a', [3], [1, 2, 3])], signature([]), 2)).code).toBe('model_failed');
    const broken: Tensor = { name: 't', datatype: 'BYTES', shape: [1], bytes: packByteElements([Uint8Array.of(0xff)]) };
    expect(failure(() => predictionsJson([broken], signature([]), 1)).code).toBe('output_not_text');
  });
});

test('rows of any JSON never throw anything but a MusterError', () => {
  fc.assert(
    fc.property(fc.jsonValue(), fc.uint8Array({ maxLength: 50 }), (value, junk) => {
      for (const bytes of [
        encoder.encode(JSON.stringify({ rows: [value] })),
        encoder.encode(JSON.stringify({ rows: [{ age: value }] })),
        junk,
      ]) {
        try {
          const rows = readJsonRows(bytes, rowPlan(matrix), 10);
          encodeRows(rowPlan(matrix), rows, 0, rows.length, place);
        } catch (error) {
          expect(error).toBeInstanceOf(MusterError);
        }
      }
    }),
  );
});
