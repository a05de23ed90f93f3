/**
 * Writes ONNX files of small dense networks, so that a benchmark can have as many different models, and as heavy ones,
 * as it needs without a training library. Field numbers are those of onnx.proto (IR version 8).
 */
export interface DenseNetwork {
  /** Number of features, of each hidden layer's units, and of outputs: at least two numbers. */
  readonly widths: readonly number[];
  /** Weights are drawn from it: another seed is another model with another digest. */
  readonly seed: number;
}

/** The file: `x` FP32 [N, first width] → `y` FP32 [N, last width], ReLU between the layers, softmax at the end. */
export function writeDenseNetwork({ widths, seed }: DenseNetwork): Buffer {
  const random = createRandom(seed);
  const nodes: Buffer[] = [];
  const weights: Buffer[] = [];
  let value = 'x';
  for (let layer = 1; layer < widths.length; layer++) {
    const [rows, columns] = [widths[layer - 1] ?? 0, widths[layer] ?? 0];
    weights.push(
      tensor(`w${layer}`, [rows, columns], random, Math.sqrt(2 / rows)),
      tensor(`b${layer}`, [columns], random, 0.1),
    );
    nodes.push(node('Gemm', [value, `w${layer}`, `b${layer}`], `z${layer}`));
    const isLast = layer === widths.length - 1;
    value = isLast ? 'y' : `h${layer}`;
    nodes.push(node(isLast ? 'Softmax' : 'Relu', [`z${layer}`], value));
  }
  const graph = Buffer.concat([
    ...nodes.map((bytes) => message(1, bytes)),
    text(2, 'dense'),
    ...weights.map((bytes) => message(5, bytes)),
    message(11, valueInfo('x', widths[0] ?? 0)),
    message(12, valueInfo('y', widths.at(-1) ?? 0)),
  ]);
  const opset = Buffer.concat([text(1, ''), integer(2, 17)]);
  return Buffer.concat([integer(1, 8), text(2, 'muster-bench'), message(7, graph), message(8, opset)]);
}

function node(operator: string, inputs: readonly string[], output: string): Buffer {
  return Buffer.concat([...inputs.map((name) => text(1, name)), text(2, output), text(4, operator)]);
}

/** A `TensorProto` of floats, evenly drawn from ±`scale`. */
function tensor(name: string, shape: readonly number[], random: () => number, scale: number): Buffer {
  const values = Float32Array.from(
    { length: shape.reduce((product, size) => product * size, 1) },
    () => (2 * random() - 1) * scale,
  );
  const raw = Buffer.from(values.buffer, values.byteOffset, values.byteLength);
  return Buffer.concat([
    ...shape.map((size) => integer(1, size)),
    integer(2, floatElement),
    text(8, name),
    message(9, raw),
  ]);
}

/** A `ValueInfoProto` of shape [N, columns]. */
function valueInfo(name: string, columns: number): Buffer {
  const shape = Buffer.concat([message(1, text(2, 'N')), message(1, integer(1, columns))]);
  const type = Buffer.concat([integer(1, floatElement), message(2, shape)]);
  return Buffer.concat([text(1, name), message(2, message(1, type))]);
}

const floatElement = 1;

function integer(field: number, value: number): Buffer {
  return Buffer.concat([varint(field * 8), varint(value)]);
}

function text(field: number, value: string): Buffer {
  return message(field, Buffer.from(value));
}

function message(field: number, content: Buffer): Buffer {
  return Buffer.concat([varint(field * 8 + 2), varint(content.byteLength), content]);
}

function varint(value: number): Buffer {
  const bytes: number[] = [];
  let rest = value;
  for (; rest > 127; rest = Math.floor(rest / 128)) bytes.push((rest % 128) + 128);
  return Buffer.from([...bytes, rest]);
}

/** Numbers in [0, 1), the same for the same seed (mulberry32). */
export function createRandom(seed: number): () => number {
  let state = Math.imul(seed, 2_654_435_769) | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}
