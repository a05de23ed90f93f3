import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  type Cell,
  type Column,
  type Signature,
  type Tensor,
  packByteElements,
  predictionsCsv,
  rowPlan,
} from '@muster-ml/protocol';
import fc from 'fast-check';
import { parquetReadObjects } from 'hyparquet';
import { type BasicType, parquetWriteBuffer } from 'hyparquet-writer';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { AppendFile } from './append-file.ts';
import { openCsv } from './csv-reader.ts';
import { openJsonl } from './jsonl-reader.ts';
import { outputColumns } from './output-columns.ts';
import { openParquet } from './parquet-reader.ts';
import { type ResultForm, openResult } from './result-table.ts';
import type { Block, TableReader, WantedColumn } from './table.ts';
import { timeText } from './time-text.ts';

let folder: string;
let files = 0;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'muster-tables-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const fileOf = (content: string | Uint8Array): string => {
  const path = join(folder, `table-${files++}`);
  writeFileSync(path, content);
  return path;
};

const form = { delimiter: ',', hasHeader: true, names: [] };

const column = (name: string, datatype: Column['datatype'], nullable = false): Column => {
  const plan = rowPlan({ inputs: [{ name, datatype, shape: [-1], nullable }], outputs: [] });
  const [first] = plan.columns;
  if (first === undefined) throw new Error('no column');
  return first;
};

/** Everything that a reader gives, in blocks of `rows`, and closes it. */
function readAll(reader: TableReader, wanted: readonly WantedColumn[], rows = 3): { cells: Cell[][]; blocks: Block[] } {
  reader.begin(wanted);
  const blocks: Block[] = [];
  for (let block = reader.next(rows); block !== undefined; block = reader.next(rows)) blocks.push(block);
  reader.close();
  const cells = wanted.map((_, index) => blocks.flatMap((block) => Array.from(block.columns[index] ?? []) as Cell[]));
  return { cells, blocks };
}

/** What a reader gives from each row on must be what it gives there from the beginning. */
function resumesEverywhere(open: () => TableReader, wanted: readonly WantedColumn[]): void {
  const whole = readAll(open(), wanted, 1).cells;
  const walker = open();
  walker.begin(wanted);
  for (let row = 0; ; row++) {
    const place = walker.place();
    const later = open();
    later.begin(wanted, { row, place });
    const block = later.next(1000);
    expect(block === undefined ? [] : block.columns.map((values) => values[0])).toEqual(
      block === undefined ? [] : whole.map((values) => values[row]),
    );
    if (block !== undefined) expect(block.firstRow).toBe(row);
    later.close();
    if (walker.next(1) === undefined) break;
  }
  walker.close();
}

describe('CSV', () => {
  test('gives numbers and texts by the names of the columns, in any order', () => {
    const path = fileOf('\ufeffid,"a ""b""",x\r\n1,"u,v",2.5\r\n\r\n2,"new\nline",-1e3\r\n');
    const { cells } = readAll(openCsv(path, form), [
      { name: 'x', as: column('x', 'FP64') },
      { name: 'a "b"' },
      { name: 'id' },
    ]);
    expect(cells).toEqual([
      [2.5, -1000],
      ['u,v', 'new\nline'],
      ['1', '2'],
    ]);
  });

  test('takes what is no number as missing where it means so, and as a bad row else', () => {
    const path = fileOf('x\n1\nNaN\n\ninf\nten\n1e999\ntrue\n');
    const { cells, blocks } = readAll(openCsv(path, form), [{ name: 'x', as: column('x', 'FP64') }], 100);
    expect(cells[0]?.slice(0, 4)).toEqual([1, NaN, NaN, Infinity]);
    expect(cells[0]?.[6]).toBe(1);
    expect([...(blocks[0]?.faults ?? [])].map(([row, { column: name }]) => [row, name])).toEqual([
      [4, 'x'],
      [5, 'x'],
    ]);
  });

  test('names the rows that cannot be read, and goes on behind them', () => {
    const path = fileOf(
      Buffer.concat([Buffer.from('a,b\n1\n2,3,4\n"5"x,6\n'), Buffer.from([0xff]), Buffer.from(',7\n8,9\n')]),
    );
    const { cells, blocks } = readAll(openCsv(path, form), [{ name: 'a' }, { name: 'b' }], 100);
    expect([...(blocks[0]?.faults ?? [])].map(([row, { reason }]) => [row, reason])).toEqual([
      [0, 'the line has 1 fields, not 2'],
      [1, 'the line has 3 fields, not 2'],
      [2, 'a quote is closed within a field'],
      [3, 'is not UTF-8'],
    ]);
    expect(cells.map((values) => values[4])).toEqual(['8', '9']);
  });

  test('refuses a quote that is never closed, and a header that names a column twice', () => {
    expect(() => readAll(openCsv(fileOf('a\n"1\n2\n'), form), [{ name: 'a' }])).toThrow('never closed');
    expect(() => openCsv(fileOf('a,a\n1,2\n'), form)).toThrow('is there twice');
    expect(() => openCsv(fileOf(''), form)).toThrow('no line that names the columns');
  });

  test('is in the order of the model without a header, with any delimiter', () => {
    const reader = openCsv(fileOf('1;2\n3;4'), { delimiter: ';', hasHeader: false, names: ['p', 'q'] });
    expect(readAll(reader, [{ name: 'q' }, { name: 'p' }]).cells).toEqual([
      ['2', '4'],
      ['1', '3'],
    ]);
  });

  test('reads each number as JavaScript does, and goes on at any row', () => {
    const number = fc.oneof(fc.double({ noNaN: true }), fc.integer(), fc.double({ noNaN: true, min: -1e6, max: 1e6 }));
    fc.assert(
      fc.property(
        fc.array(fc.tuple(number, fc.string({ unit: 'binary' })), { minLength: 1, maxLength: 12 }),
        (rows) => {
          const lines = rows.map(([x, text]) => `${String(x)},"${text.toWellFormed().replaceAll('"', '""')}"\n`);
          const path = fileOf(`x,text\n${lines.join('')}`);
          const wanted = [{ name: 'x', as: column('x', 'FP64') }, { name: 'text' }];
          expect(readAll(openCsv(path, form), wanted).cells).toEqual([
            rows.map(([x]) => Number(String(x))),
            rows.map(([, text]) => text.toWellFormed()),
          ]);
          resumesEverywhere(() => openCsv(path, form), wanted);
          rmSync(path);
        },
      ),
      { numRuns: 30 },
    );
  });
});

describe('JSONL', () => {
  test('gives what each line has, keeps long integers, and names the lines that are none', () => {
    const path = fileOf('{"a":1,"b":"x"}\n\n{"a":9007199254740993,"c":[1,{"d":2}]}\n[1]\n{"a":\n');
    const { cells, blocks } = readAll(openJsonl(path), [{ name: 'a' }, { name: 'b' }, { name: 'c' }], 100);
    expect(cells[0]?.slice(0, 2)).toEqual([1, 9_007_199_254_740_993n]);
    expect(cells[1]?.slice(0, 2)).toEqual(['x', undefined]);
    expect(cells[2]?.[1]).toEqual([1, { d: 2 }]);
    expect([...(blocks[0]?.faults.keys() ?? [])]).toEqual([2, 3]);
    resumesEverywhere(() => openJsonl(path), [{ name: 'a' }]);
  });
});

describe('Parquet', () => {
  const write = (columns: readonly { name: string; data: unknown[]; type: BasicType }[], rowGroupSize = 4): string =>
    fileOf(
      new Uint8Array(
        parquetWriteBuffer({ columnData: columns.map((each) => ({ ...each })), rowGroupSize, pageSize: 24 }),
      ),
    );

  test('gives the columns over pages and row groups, in blocks of any size, and goes on at any row', () => {
    const count = 23;
    const rows = Array.from({ length: count }, (_, row) => row);
    const path = write([
      { name: 'd', type: 'DOUBLE', data: rows.map((row) => row / 4) },
      { name: 'n', type: 'DOUBLE', data: rows.map((row) => (row % 3 === 0 ? undefined : row)) },
      { name: 'i', type: 'INT64', data: rows.map(BigInt) },
      { name: 's', type: 'STRING', data: rows.map((row) => (row % 5 === 0 ? undefined : `text ${row % 2}`)) },
      { name: 'b', type: 'BOOLEAN', data: rows.map((row) => row % 2 === 0) },
    ]);
    const wanted = ['s', 'd', 'n', 'i', 'b'].map((name) => ({ name }));
    for (const size of [1, 3, 5, 100]) {
      const { cells } = readAll(openParquet(path), wanted, size);
      expect(cells[0]).toEqual(rows.map((row) => (row % 5 === 0 ? null : `text ${row % 2}`)));
      expect(cells[1]).toEqual(rows.map((row) => row / 4));
      expect(cells[2]).toEqual(rows.map((row) => (row % 3 === 0 ? NaN : row)));
      expect(cells[3]).toEqual(rows.map(BigInt));
      expect(cells[4]).toEqual(rows.map((row) => row % 2 === 0));
    }
    resumesEverywhere(() => openParquet(path), wanted);
  });

  test('gives times to a model as texts, and to the result as they are', () => {
    const at = new Date('2026-03-01T12:00:00.250Z');
    const path = write([{ name: 't', type: 'TIMESTAMP', data: [at] }]);
    const { cells } = readAll(openParquet(path), [{ name: 't', as: column('t', 'BYTES') }, { name: 't' }]);
    expect(cells).toEqual([['2026-03-01T12:00:00.25Z'], [BigInt(at.getTime())]]);
  });

  test('refuses by name what is nested, and what is no Parquet', () => {
    const nested = write([{ name: 'l', type: 'JSON', data: [{ a: 1 }] }]);
    expect(readAll(openParquet(nested), [{ name: 'l' }]).cells).toEqual([['{"a":1}']]);
    expect(() => openParquet(fileOf('a,b\n1,2\n'))).toThrow('not Parquet');
    const whole = readFileSync(nested);
    expect(() => openParquet(fileOf(whole.subarray(0, -20)))).toThrow('not Parquet');
    const broken = Buffer.from(whole);
    broken.fill(0xee, 4, 40);
    expect(() => readAll(openParquet(fileOf(broken)), [{ name: 'l' }])).toThrow('Parquet file');
  });
});

describe('times', () => {
  test('lose no digit, before the epoch either', () => {
    expect(timeText(1_772_366_400_123_456n, 'micros')).toBe('2026-03-01T12:00:00.123456Z');
    expect(timeText(-1n, 'nanos')).toBe('1969-12-31T23:59:59.999999999Z');
    expect(timeText(1, 'days')).toBe('1970-01-02');
    expect(timeText(1000n, 'millis')).toBe('1970-01-01T00:00:01Z');
  });
});

describe('a result', () => {
  const signature: Signature = {
    inputs: [],
    outputs: [
      { name: 'probabilities', datatype: 'FP32', shape: [-1, 2] },
      { name: 'note', datatype: 'BYTES', shape: [-1] },
      { name: 'count', datatype: 'INT64', shape: [-1, 1] },
    ],
    labels: ['no', 'yes'],
  };
  const outputs = (rows: readonly number[]): Tensor[] => [
    tensor('probabilities', 'FP32', [rows.length, 2], Float32Array.from(rows.flatMap((row) => [row / 8, 1 - row / 8]))),
    {
      name: 'note',
      datatype: 'BYTES',
      shape: [rows.length],
      bytes: packByteElements(rows.map((row) => Buffer.from(`row ${row}`))),
    },
    tensor('count', 'INT64', [rows.length, 1], BigInt64Array.from(rows.map((row) => BigInt(row) + 2n ** 60n))),
  ];
  const resultForm: ResultForm = {
    signature,
    rowColumn: 'row',
    kept: [
      { name: 'id', type: 'text' },
      { name: 'at', type: 'micros' },
    ],
    facts: () => ({ 'muster.model': 'm' }),
  };
  const rows = [0, 1, 3, 4, 5, 8];

  /** Writes the rows, and begins anew from what is on disk behind each part, with what a crash leaves behind it. */
  function writeWithCrashes(format: 'parquet' | 'csv' | 'jsonl'): string {
    const path = join(folder, `result-${files++}`);
    const states: (string | undefined)[] = [];
    let size = 0;
    for (const row of rows) {
      const file = new AppendFile(path, size);
      const result = openResult(format, file, resultForm, states);
      result.append({ rows: [row], kept: [[`c${row}`], [row === 3 ? null : BigInt(row)]], outputs: outputs([row]) });
      states.push(result.flush());
      file.sync();
      size = file.sizeBytes;
      file.append(Buffer.from('lost'));
      file.close();
    }
    const file = new AppendFile(path, size);
    const result = openResult(format, file, resultForm, states);
    result.finish();
    file.close();
    return path;
  }

  test('in Parquet is whole after any number of crashes, and says of itself what it is', async () => {
    const bytes = readFileSync(writeWithCrashes('parquet'));
    const file = bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength);
    const found = await parquetReadObjects({ file, parsers: { timestampFromMicroseconds: (micros) => micros } });
    expect(found.map((row) => Number(row['row']))).toEqual(rows);
    expect(found[2]).toEqual({
      row: 3n,
      id: 'c3',
      at: null,
      label: 'yes',
      'probabilities.no': 0.375,
      'probabilities.yes': 0.625,
      note: 'row 3',
      count: 3n + 2n ** 60n,
    });
    expect(bytes.includes('muster.model')).toBe(true);
  });

  test('in CSV and JSONL has each row once, after any number of crashes', () => {
    const csv = readFileSync(writeWithCrashes('csv'), 'utf8').split('\n');
    expect(csv[0]).toBe('row,id,at,label,probabilities.no,probabilities.yes,note,count');
    expect(csv[3]).toBe('3,c3,,yes,0.375,0.625,row 3,1152921504606846979');
    expect(csv).toHaveLength(1 + rows.length + 1);
    const jsonl = readFileSync(writeWithCrashes('jsonl'), 'utf8').trimEnd().split('\n');
    expect(jsonl.map((line) => (JSON.parse(line) as { row: number }).row)).toEqual(rows);
    expect(jsonl[1]).toContain('"id":"c1","at":"1970-01-01T00:00:00.000001Z","label":"yes"');
  });

  test('has the same names in Parquet as in CSV', () => {
    const { header } = predictionsCsv(outputs(rows), signature, rows.length);
    expect(
      outputColumns(outputs(rows), signature, rows.length)
        .map(({ name }) => name)
        .join(','),
    ).toBe(header);
  });

  function tensor(
    name: string,
    datatype: Tensor['datatype'],
    shape: number[],
    values: Float32Array | BigInt64Array,
  ): Tensor {
    return { name, datatype, shape, bytes: new Uint8Array(values.buffer as ArrayBuffer) };
  }
});
