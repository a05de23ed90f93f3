import { readFileSync, readdirSync } from 'node:fs';
import { MusterError } from '@muster-ml/protocol';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { fixture } from '../test-support/link-client.ts';
import { onnxModel } from '../test-support/onnx-model.ts';
import type { ModelOutline } from './outline.ts';
import { checkFormat, readOutline } from './read-outline.ts';
import { type ByteSource, memorySource } from './wire.ts';

const whole = readdirSync(fixture('')).filter((name) => name.endsWith('.onnx') && name !== 'empty.onnx');

function outlineOf(bytes: Uint8Array): ModelOutline {
  return readOutline(memorySource(bytes));
}

function attempt(bytes: Uint8Array): string {
  try {
    outlineOf(bytes);
    return 'ok';
  } catch (thrown) {
    return thrown instanceof MusterError ? thrown.code : String(thrown);
  }
}

describe('an outline', () => {
  test('says what the file says, from any order of fields', () => {
    const outline = outlineOf(
      onnxModel({
        inputs: [
          { name: 'x', element: 1, shape: ['N', 3] },
          { name: 'bias', element: 1, shape: [1] },
          { name: 'free', element: 7 },
        ],
        outputs: [{ name: 'y', element: 1, shape: [null, 0, 2] }],
        initializers: [{ name: 'bias', element: 1, shape: [2, 3], raw: new Uint8Array(24) }],
        nodes: [
          { op: 'Add', inputs: ['x', 'bias'], outputs: ['y'] },
          { op: 'Score', domain: 'com.example', inputs: ['y'], outputs: ['z'] },
        ],
        opsets: { '': 17, 'ai.onnx.ml': 3 },
        metadata: { feature_names: '["a","b","c"]' },
      }),
    );
    expect(outline).toMatchObject({
      irVersion: 8,
      parameterCount: 6,
      inputs: [
        { name: 'x', type: { kind: 'tensor', element: 1, shape: [-1, 3] } },
        { name: 'free', type: { kind: 'tensor', element: 7 } },
      ],
      defaulted: ['bias'],
      outputs: [{ name: 'y', type: { shape: [-1, -1, 2] } }],
      operators: [
        { domain: '', name: 'Add', count: 1 },
        { domain: 'com.example', name: 'Score', count: 1 },
      ],
    });
    expect([...outline.opsets]).toEqual([
      ['', 17],
      ['ai.onnx.ml', 3],
    ]);
    expect(outline.inputs[1]?.type).not.toHaveProperty('shape');
  });

  test('counts operators and finds external data in subgraphs, however deep', () => {
    const outline = outlineOf(readFileSync(fixture('nested-subgraph.onnx')));
    expect(outline.operators.find(({ name }) => name === 'If')?.count).toBe(30);
    expect(attempt(readFileSync(fixture('deep-subgraph.onnx')))).toBe('invalid_model_file');
  });

  test('reads only what it needs of a large file', () => {
    const weights = new Uint8Array(8 * 1024 * 1024);
    const bytes = onnxModel({
      inputs: [{ name: 'x', element: 1, shape: ['N'] }],
      outputs: [{ name: 'y', element: 1, shape: ['N'] }],
      initializers: [{ name: 'w', element: 2, shape: [weights.length], raw: weights }],
      nodes: [{ op: 'Identity', inputs: ['x'], outputs: ['y'] }],
    });
    const source = memorySource(bytes);
    let read = 0;
    const counting: ByteSource = {
      size: source.size,
      read(into, position) {
        const count = source.read(into, position);
        read += count;
        return count;
      },
    };
    expect(readOutline(counting).parameterCount).toBe(weights.length);
    expect(read).toBeLessThan(300 * 1024);
  });

  test.each([
    ['a negative dimension', { shape: [-5] }],
    ['more elements than the file has bytes', { shape: [1_000_000], raw: new Uint8Array(8) }],
    ['a product beyond 2^64', { shape: [2 ** 40, 2 ** 40] }],
    ['an unknown element type', { shape: [1], element: 99 }],
  ])('refuses a tensor with %s', (_, tensor) => {
    const bytes = onnxModel({
      inputs: [],
      outputs: [],
      nodes: [],
      initializers: [{ name: 'w', element: 1, ...tensor }],
    });
    expect(attempt(bytes)).toBe('invalid_model_file');
  });

  test('refuses a file with two graphs, which protobuf would merge', () => {
    const one = onnxModel({ inputs: [], outputs: [], nodes: [] });
    expect(attempt(Buffer.concat([one, one]))).toBe('invalid_model_file');
  });

  test('names the byte where a file breaks off', () => {
    const bytes = readFileSync(fixture('many-inputs.onnx')).subarray(0, 900);
    expect(() => outlineOf(bytes)).toThrow('the file ends at byte 900');
  });

  test('gives class labels where all classifiers agree', () => {
    const classifier = (...labels: string[]) => ({
      op: 'LinearClassifier',
      domain: 'ai.onnx.ml',
      inputs: ['x'],
      outputs: ['y'],
      strings: { classlabels_strings: labels },
    });
    const labelsOf = (nodes: ReturnType<typeof classifier>[]) =>
      outlineOf(onnxModel({ inputs: [], outputs: [], nodes })).classLabels;
    expect(labelsOf([classifier('no', 'yes'), classifier('no', 'yes')])).toEqual(['no', 'yes']);
    expect(labelsOf([classifier('no', 'yes'), classifier('a', 'b')])).toBeUndefined();
  });
});

describe('whatever bytes come', () => {
  const originals = whole.map((name) => readFileSync(fixture(name)));

  test('a damaged model is read or refused with invalid_model_file, in little time', () => {
    const damage = fc.array(fc.record({ at: fc.nat(), byte: fc.integer({ min: 0, max: 255 }) }), {
      minLength: 1,
      maxLength: 8,
    });
    fc.assert(
      fc.property(
        fc.constantFrom(...originals),
        damage,
        fc.double({ min: 0, max: 1, noNaN: true }),
        fc.boolean(),
        (original, changes, part, cut) => {
          const bytes = Uint8Array.from(cut ? original.subarray(0, Math.floor(original.length * part)) : original);
          for (const { at, byte } of changes) if (bytes.length > 0) bytes[at % bytes.length] = byte;
          expect(['ok', 'invalid_model_file']).toContain(attempt(bytes));
        },
      ),
      { numRuns: 3000, interruptAfterTimeLimit: 10_000, markInterruptAsFailure: false },
    );
  });

  test('random bytes are refused or read, nothing else', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
        expect(['ok', 'invalid_model_file']).toContain(attempt(bytes));
      }),
      { numRuns: 3000 },
    );
  });

  test.each([
    ['', 'empty'],
    ['\u0080\u0004\u0095', 'a Python pickle'],
    ['PK\u0003\u0004', 'a zip archive'],
    ['\u0089HDF\r\n', 'HDF5'],
    ['version https://git-lfs.github.com/spec/v1', 'Git LFS'],
  ])('the file that begins with %j is called by its name', (begin, name) => {
    const head = Uint8Array.from(begin, (character) => character.charCodeAt(0));
    expect(() => checkFormat(head, head.length)).toThrow(name);
  });
});
