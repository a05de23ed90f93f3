import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Datatype, Tensor } from '@muster-ml/protocol';
import { afterAll, describe, expect, test } from 'vitest';
import { codeOf, fixture, replicaOptions, tensor } from '../test-support/link-client.ts';
import { onnxModel } from '../test-support/onnx-model.ts';
import { belongsInThread } from './model-thread.ts';
import { loadReplica } from './replica.ts';

const folder = mkdtempSync(join(tmpdir(), 'muster-thread-'));
afterAll(() => rmSync(folder, { recursive: true }));

/** A row is a square of so many elements: 64 kB of them where they take one byte. */
const side = 256;

function identity(
  element: number,
  shape: readonly (number | string)[] = ['n', 1, side, side],
  op = 'Identity',
): string {
  const file = join(folder, `${op}-${element}-${shape.join('x')}.onnx`);
  const bytes = onnxModel({
    inputs: [{ name: 'x', element, shape }],
    outputs: [{ name: 'y', element, shape }],
    nodes: [{ op, inputs: ['x'], outputs: ['y'] }],
  });
  writeFileSync(file, bytes);
  return file;
}

function filled(datatype: Datatype, elementBytes: number, rows = 2): Tensor {
  const bytes = new Uint8Array(rows * side * side * elementBytes);
  // Ones and zeros are whole numbers of every type, and finite.
  for (let at = 0; at < bytes.byteLength; at += elementBytes * 3) bytes[at] = 1;
  return tensor('x', datatype, [rows, 1, side, side], bytes);
}

/** How many threads of JavaScript this process has started. */
function threads(): number {
  return (process.report.getReport() as { readonly workers: readonly unknown[] }).workers.length;
}

function outlineOf(element: number, shape: readonly number[]) {
  const field = { start: 0, end: 0 };
  const value = { name: 'x', type: { kind: 'tensor', element, shape }, field } as const;
  return { inputs: [value], outputs: [{ ...value, name: 'y' }] };
}

describe('a model runs in a thread of its own', () => {
  test('where a row has 64 kB or is a picture of any size, and only numbers go in and out', () => {
    expect(belongsInThread(outlineOf(1, [-1, 3, 48, 192]))).toBe(true);
    expect(belongsInThread(outlineOf(1, [-1, 16_384]))).toBe(true);
    expect(belongsInThread(outlineOf(1, [-1, 16_383]))).toBe(false);
    expect(belongsInThread(outlineOf(1, [-1, 3, -1, -1]))).toBe(true);
    expect(belongsInThread(outlineOf(1, [-1, -1]))).toBe(false);
    expect(belongsInThread(outlineOf(1, [-1, 1, 28, 28]))).toBe(false);
    expect(belongsInThread(outlineOf(8, [-1, 3, -1, -1]))).toBe(false);
    expect(belongsInThread(outlineOf(1, []))).toBe(false);
  });

  test.each([
    ['FP32', 1, 4],
    ['UINT8', 2, 1],
    ['INT64', 7, 8],
    ['BOOL', 9, 1],
    ['FP16', 10, 2],
    ['FP64', 11, 8],
  ] as const)('and gives back every %s as it came', async (datatype, element, elementBytes) => {
    const replica = await loadReplica(identity(element), replicaOptions);
    try {
      expect(threads()).toBe(1);
      const sent = filled(datatype, elementBytes);
      const expected = Buffer.from(sent.bytes);
      const { outputs, runMicros } = await replica.run([sent]);
      expect(outputs).toHaveLength(1);
      expect(outputs[0]).toMatchObject({ name: 'y', datatype, shape: [2, 1, side, side] });
      expect(Buffer.compare(Buffer.from(outputs[0]?.bytes ?? []), expected)).toBe(0);
      expect(runMicros).toBeGreaterThan(0);
    } finally {
      await replica.release();
    }
    expect(threads()).toBe(0);
  });

  test('and takes a small input that lies in memory of others without taking that memory away', async () => {
    const replica = await loadReplica(identity(1, ['n', 3, 'h', 'w']), replicaOptions);
    try {
      const shared = new Float32Array(1000).fill(7);
      const bytes = new Uint8Array(shared.buffer, 40, 48);
      const { outputs } = await replica.run([{ name: 'x', datatype: 'FP32', shape: [1, 3, 2, 2], bytes }]);
      expect(outputs[0]?.bytes).toEqual(new Uint8Array(new Float32Array(12).fill(7).buffer));
      expect(shared[999]).toBe(7);
    } finally {
      await replica.release();
    }
  });

  test('and answers again after a request that it refused', async () => {
    const replica = await loadReplica(identity(1), replicaOptions);
    try {
      const wrong = tensor('x', 'FP32', [1, 1, side, 2], new Float32Array(side * 2));
      expect(await codeOf(replica.run([wrong]))).toBe('invalid_shape');
      expect((await replica.run([filled('FP32', 4)])).outputs).toHaveLength(1);
    } finally {
      await replica.release();
    }
  });

  test('with others, and the thread ends with the last of them', async () => {
    const [one, two] = await Promise.all(
      [identity(1), identity(7)].map(async (file) => await loadReplica(file, replicaOptions)),
    );
    expect(threads()).toBe(1);
    await one?.release();
    expect(threads()).toBe(1);
    expect((await two?.run([filled('INT64', 8)]))?.outputs).toHaveLength(1);
    await two?.release();
    expect(threads()).toBe(0);
  });

  test('and one that does not load says why, and leaves no thread behind', async () => {
    expect(await codeOf(loadReplica(identity(1, ['n', 1, side, side], 'NoSuchOperator'), replicaOptions))).toBe(
      'unsupported_model',
    );
    expect(threads()).toBe(0);
  });

  test('while small models stay where they are', async () => {
    const replica = await loadReplica(fixture('identity-fp32.onnx'), replicaOptions);
    expect(threads()).toBe(0);
    await replica.release();
  });
});
