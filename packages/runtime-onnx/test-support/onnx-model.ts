import { BinaryWriter, WireType } from '@bufbuild/protobuf/wire';

/** A dimension: a number, a name for any size, or `null` for neither. */
type Dimension = number | string | null;

export interface ValueOptions {
  readonly name: string;
  /** Number in `TensorProto.DataType`; 0 leaves the type out. */
  readonly element: number;
  /** Absent: the file says nothing about the shape. */
  readonly shape?: readonly Dimension[];
  /** Wraps the tensor type. */
  readonly wrap?: 'sequence' | 'optional';
}

export interface InitializerOptions {
  readonly name: string;
  readonly element: number;
  readonly shape: readonly number[];
  readonly int64?: readonly number[];
  readonly raw?: Uint8Array;
  readonly location?: string;
}

export interface NodeOptions {
  readonly op: string;
  readonly domain?: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly ints?: Readonly<Record<string, number>>;
  readonly strings?: Readonly<Record<string, readonly string[]>>;
}

export interface ModelOptions {
  readonly inputs: readonly ValueOptions[];
  readonly outputs: readonly ValueOptions[];
  readonly nodes: readonly NodeOptions[];
  readonly initializers?: readonly InitializerOptions[];
  readonly opsets?: Readonly<Record<string, number>>;
  readonly metadata?: Readonly<Record<string, string>>;
  readonly irVersion?: number;
}

/** Bytes of a small ONNX model, for tests that need one with a peculiarity that no fixture has. */
export function onnxModel(model: ModelOptions): Uint8Array {
  const writer = new BinaryWriter().tag(1, WireType.Varint).int64(model.irVersion ?? 8);
  message(writer, 7, (graph) => {
    for (const node of model.nodes) message(graph, 1, (part) => writeNode(part, node));
    text(graph, 2, 'test');
    for (const initializer of model.initializers ?? [])
      message(graph, 5, (part) => writeInitializer(part, initializer));
    for (const input of model.inputs) message(graph, 11, (part) => writeValue(part, input));
    for (const output of model.outputs) message(graph, 12, (part) => writeValue(part, output));
  });
  for (const [domain, version] of Object.entries(model.opsets ?? { '': 17 })) {
    message(writer, 8, (opset) => {
      text(opset, 1, domain);
      opset.tag(2, WireType.Varint).int64(version);
    });
  }
  for (const [key, value] of Object.entries(model.metadata ?? {})) {
    message(writer, 14, (entry) => {
      text(entry, 1, key);
      text(entry, 2, value);
    });
  }
  return writer.finish();
}

function message(writer: BinaryWriter, field: number, write: (writer: BinaryWriter) => void): void {
  writer.tag(field, WireType.LengthDelimited).fork();
  write(writer);
  writer.join();
}

function text(writer: BinaryWriter, field: number, value: string): void {
  if (value !== '') writer.tag(field, WireType.LengthDelimited).string(value);
}

function writeNode(writer: BinaryWriter, node: NodeOptions): void {
  for (const name of node.inputs) text(writer, 1, name);
  for (const name of node.outputs) text(writer, 2, name);
  text(writer, 4, node.op);
  for (const [name, value] of Object.entries(node.ints ?? {})) {
    message(writer, 5, (attribute) => {
      text(attribute, 1, name);
      attribute.tag(3, WireType.Varint).int64(value).tag(20, WireType.Varint).int32(2);
    });
  }
  for (const [name, values] of Object.entries(node.strings ?? {})) {
    message(writer, 5, (attribute) => {
      text(attribute, 1, name);
      for (const value of values) attribute.tag(9, WireType.LengthDelimited).string(value);
      attribute.tag(20, WireType.Varint).int32(8);
    });
  }
  text(writer, 7, node.domain ?? '');
}

function writeInitializer(
  writer: BinaryWriter,
  { name, element, shape, int64, raw, location }: InitializerOptions,
): void {
  for (const dimension of shape) writer.tag(1, WireType.Varint).int64(dimension);
  writer.tag(2, WireType.Varint).int32(element);
  for (const value of int64 ?? []) writer.tag(7, WireType.Varint).int64(value);
  text(writer, 8, name);
  if (raw !== undefined) writer.tag(9, WireType.LengthDelimited).bytes(raw);
  if (location === undefined) return;
  message(writer, 13, (entry) => {
    text(entry, 1, 'location');
    text(entry, 2, location);
  });
  writer.tag(14, WireType.Varint).int32(1);
}

function writeValue(writer: BinaryWriter, { name, element, shape, wrap }: ValueOptions): void {
  text(writer, 1, name);
  if (element === 0) return;
  const tensorType = (type: BinaryWriter): void => {
    message(type, 1, (tensor) => {
      tensor.tag(1, WireType.Varint).int32(element);
      if (shape !== undefined) message(tensor, 2, (part) => writeShape(part, shape));
    });
  };
  message(writer, 2, (type) => {
    if (wrap === undefined) tensorType(type);
    else message(type, wrap === 'sequence' ? 4 : 9, (outer) => message(outer, 1, tensorType));
  });
}

function writeShape(writer: BinaryWriter, shape: readonly Dimension[]): void {
  for (const dimension of shape) {
    message(writer, 1, (part) => {
      if (typeof dimension === 'number') part.tag(1, WireType.Varint).int64(dimension);
      if (typeof dimension === 'string') text(part, 2, dimension);
    });
  }
}
