import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as ort from 'onnxruntime-node';
import { afterAll, describe, expect, test } from 'vitest';
import { fixture } from '../test-support/link-client.ts';
import { type ModelOptions, onnxModel } from '../test-support/onnx-model.ts';
import { readOutline } from './read-outline.ts';
import { memorySource } from './wire.ts';
import { dropZipMaps, findZipMaps } from './zipmap.ts';

const folder = mkdtempSync(join(tmpdir(), 'muster-zipmap-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function drop(bytes: Uint8Array): { readonly whole: Uint8Array; readonly count: number } {
  const file = join(folder, 'model.onnx');
  writeFileSync(file, bytes);
  const outline = readOutline(memorySource(bytes));
  const drops = findZipMaps(outline);
  const descriptor = openSync(file, 'r');
  try {
    return { whole: dropZipMaps(descriptor, outline, drops), count: drops.length };
  } finally {
    closeSync(descriptor);
  }
}

const zipMap = { op: 'ZipMap', domain: 'ai.onnx.ml', strings: { classlabels_strings: ['no', 'yes'] } };

function twoZipMaps(opsets: Readonly<Record<string, number>>): ModelOptions {
  return {
    inputs: [
      { name: 'a', element: 1, shape: ['N', 2] },
      { name: 'b', element: 1, shape: ['N', 2] },
    ],
    outputs: [
      { name: 'p', element: 1, wrap: 'sequence' },
      { name: 'q', element: 1, wrap: 'sequence' },
    ],
    nodes: [
      { ...zipMap, inputs: ['a'], outputs: ['p'] },
      { ...zipMap, inputs: ['b'], outputs: ['q'] },
    ],
    opsets,
    metadata: { kept: 'yes' },
  };
}

describe('dropping ZipMaps', () => {
  test.each([
    ['beside the operators of ONNX', { '': 17, 'ai.onnx.ml': 3 }],
    ['in a model that imports only ai.onnx.ml', { 'ai.onnx.ml': 3 }],
  ])('gives matrices under the same names, %s', async (_, opsets) => {
    const { whole, count } = drop(onnxModel(twoZipMaps(opsets)));
    expect(count).toBe(2);
    const session = await ort.InferenceSession.create(whole, { logSeverityLevel: 4 });
    expect(session.outputNames).toEqual(['p', 'q']);
    const rows = (...values: number[]): ort.Tensor => new ort.Tensor('float32', values, [1, 2]);
    const { p, q } = await session.run({ a: rows(0.25, 0.75), b: rows(0.5, 0.5) });
    expect([p?.data, q?.data]).toEqual([Float32Array.of(0.25, 0.75), Float32Array.of(0.5, 0.5)]);
    expect(readOutline(memorySource(whole)).metadata.get('kept')).toBe('yes');
  });

  test('leaves every other byte of the graph as it is', () => {
    const bytes = readFileSync(fixture('zipmap-int-labels.onnx'));
    const { whole } = drop(bytes);
    const before = readOutline(memorySource(bytes));
    const after = readOutline(memorySource(whole));
    const [node] = before.zipMaps;
    const start = before.graph.content.start;
    const untouched = Buffer.from(bytes.subarray(start, node?.field.start));
    expect(
      Buffer.from(whole.subarray(after.graph.content.start, after.graph.content.start + untouched.length)).equals(
        untouched,
      ),
    ).toBe(true);
    expect(after.operators.map(({ name }) => name)).not.toContain('ZipMap');
    expect(after.parameterCount).toBe(before.parameterCount);
    expect({ ...after.inputs[0], field: 0 }).toEqual({ ...before.inputs[0], field: 0 });
  });

  test('leaves a ZipMap whose maps another node takes', () => {
    const model = twoZipMaps({ '': 17, 'ai.onnx.ml': 3 });
    const used = onnxModel({
      ...model,
      nodes: [...model.nodes, { op: 'SequenceLength', inputs: ['p'], outputs: ['n'] }],
    });
    expect(findZipMaps(readOutline(memorySource(used))).map(({ output }) => output.name)).toEqual(['q']);
  });
});
