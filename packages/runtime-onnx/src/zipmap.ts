import { readSync } from 'node:fs';
import { BinaryWriter, WireType } from '@bufbuild/protobuf/wire';
import type { GraphValue, ModelOutline, ZipMapNode } from './outline.ts';
import type { ByteRange } from './wire.ts';

/**
 * scikit-learn's exporters end a classifier in ZipMap: a list of maps from class to probability, one a row, which
 * onnxruntime-node cannot hand over. Dropping it leaves what it was made from: the matrix of probabilities.
 *
 * The node becomes an Identity, so that the output keeps its name, and the output's type becomes `tensor(float)
 * [-1, classes]`. All other bytes of the file stay as they are.
 */
export interface ZipMapDrop {
  readonly node: ZipMapNode;
  readonly output: GraphValue;
}

/** The ZipMaps whose maps are outputs of the model, and so can be dropped. */
export function findZipMaps({ zipMaps, outputs }: ModelOutline): ZipMapDrop[] {
  return zipMaps.flatMap((node) => {
    const output = outputs.find(({ name }) => name === node.output);
    return output === undefined ? [] : [{ node, output }];
  });
}

/** A piece of the new file: bytes to write, or a range to copy from the old one. */
type Piece = Uint8Array | ByteRange;

const modelGraph = 7;
const modelOpset = 8;
const graphNode = 1;
const graphOutput = 12;
/** Identity as the operator set that is imported where the model has none of ONNX's own. */
const identityOpset = 13;

/** The whole model without these ZipMaps, read from an open file into one buffer. */
export function dropZipMaps(
  descriptor: number,
  outline: ModelOutline,
  drops: readonly ZipMapDrop[],
): Uint8Array<ArrayBuffer> {
  const pieces = planPieces(outline, drops);
  const whole = Buffer.allocUnsafeSlow(pieces.reduce((sum, piece) => sum + pieceBytes(piece), 0));
  let at = 0;
  for (const piece of pieces) {
    if (piece instanceof Uint8Array) whole.set(piece, at);
    else copy(descriptor, piece, whole.subarray(at, at + pieceBytes(piece)));
    at += pieceBytes(piece);
  }
  return whole;
}

function planPieces(outline: ModelOutline, drops: readonly ZipMapDrop[]): Piece[] {
  const replaced = drops
    .flatMap(({ node, output }) => [
      { range: node.field, bytes: identityNode(node) },
      { range: output.field, bytes: probabilities(output.name, node.labels.length) },
    ])
    .toSorted((a, b) => a.range.start - b.range.start);
  const content: Piece[] = [];
  let at = outline.graph.content.start;
  for (const { range, bytes } of replaced) {
    content.push({ start: at, end: range.start }, bytes);
    at = range.end;
  }
  content.push({ start: at, end: outline.graph.content.end });
  const contentBytes = content.reduce((sum, piece) => sum + pieceBytes(piece), 0);
  const graphTag = new BinaryWriter().tag(modelGraph, WireType.LengthDelimited).uint32(contentBytes).finish();
  const opset = outline.opsets.has('')
    ? []
    : [
        new BinaryWriter()
          .tag(modelOpset, WireType.LengthDelimited)
          .fork()
          .tag(2, WireType.Varint)
          .int64(identityOpset)
          .join()
          .finish(),
      ];
  return [
    { start: 0, end: outline.graph.field.start },
    graphTag,
    ...content,
    { start: outline.graph.field.end, end: outline.sizeBytes },
    ...opset,
  ];
}

/** `NodeProto` of an Identity between the ZipMap's input and output, as a field of the graph. */
function identityNode({ input, output }: ZipMapNode): Uint8Array {
  const writer = new BinaryWriter().tag(graphNode, WireType.LengthDelimited).fork();
  writer.tag(1, WireType.LengthDelimited).string(input);
  writer.tag(2, WireType.LengthDelimited).string(output);
  writer.tag(4, WireType.LengthDelimited).string('Identity');
  return writer.join().finish();
}

/** `ValueInfoProto` of a float matrix with a column for each class, as a field of the graph. */
function probabilities(name: string, classes: number): Uint8Array {
  const writer = new BinaryWriter().tag(graphOutput, WireType.LengthDelimited).fork();
  writer.tag(1, WireType.LengthDelimited).string(name);
  const type = writer.tag(2, WireType.LengthDelimited).fork();
  const tensorType = type.tag(1, WireType.LengthDelimited).fork();
  tensorType.tag(1, WireType.Varint).int32(1);
  const shape = tensorType.tag(2, WireType.LengthDelimited).fork();
  shape.tag(1, WireType.LengthDelimited).fork().join(); // a dimension of any size
  shape.tag(1, WireType.LengthDelimited).fork().tag(1, WireType.Varint).int64(classes).join();
  return shape.join().join().join().join().finish();
}

function pieceBytes(piece: Piece): number {
  return piece instanceof Uint8Array ? piece.byteLength : piece.end - piece.start;
}

function copy(descriptor: number, { start, end }: ByteRange, into: Uint8Array): void {
  for (let filled = 0; filled < end - start;) {
    const read = readSync(descriptor, into, filled, end - start - filled, start + filled);
    if (read === 0) throw new Error('the model file became shorter while it was read');
    filled += read;
  }
}
