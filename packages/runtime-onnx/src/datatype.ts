import type { Datatype } from '@muster-ml/protocol';
import type { Tensor as OrtTensor } from 'onnxruntime-node';

/** An element type of ONNX and what the Open Inference Protocol and onnxruntime-node call it. */
export interface ElementType {
  /** Number in `TensorProto.DataType`. */
  readonly onnx: number;
  /** Name in the ONNX specification. */
  readonly name: string;
  /** Bits of one element in `raw_data`; 0 for strings. */
  readonly bits: number;
  /** The protocol's name; absent where it has none. */
  readonly datatype?: Datatype;
  /** onnxruntime-node's name; absent where it cannot hand such tensors over. */
  readonly ort?: OrtTensor.Type;
}

const elementTypes: readonly ElementType[] = [
  { onnx: 1, name: 'float', bits: 32, datatype: 'FP32', ort: 'float32' },
  { onnx: 2, name: 'uint8', bits: 8, datatype: 'UINT8', ort: 'uint8' },
  { onnx: 3, name: 'int8', bits: 8, datatype: 'INT8', ort: 'int8' },
  { onnx: 4, name: 'uint16', bits: 16, datatype: 'UINT16', ort: 'uint16' },
  { onnx: 5, name: 'int16', bits: 16, datatype: 'INT16', ort: 'int16' },
  { onnx: 6, name: 'int32', bits: 32, datatype: 'INT32', ort: 'int32' },
  { onnx: 7, name: 'int64', bits: 64, datatype: 'INT64', ort: 'int64' },
  { onnx: 8, name: 'string', bits: 0, datatype: 'BYTES', ort: 'string' },
  { onnx: 9, name: 'bool', bits: 8, datatype: 'BOOL', ort: 'bool' },
  { onnx: 10, name: 'float16', bits: 16, datatype: 'FP16', ort: 'float16' },
  { onnx: 11, name: 'double', bits: 64, datatype: 'FP64', ort: 'float64' },
  { onnx: 12, name: 'uint32', bits: 32, datatype: 'UINT32', ort: 'uint32' },
  { onnx: 13, name: 'uint64', bits: 64, datatype: 'UINT64', ort: 'uint64' },
  { onnx: 14, name: 'complex64', bits: 64 },
  { onnx: 15, name: 'complex128', bits: 128 },
  // The protocol knows it, the C++ side of the runtime too; only its binding to Node does not.
  { onnx: 16, name: 'bfloat16', bits: 16, datatype: 'BF16' },
  { onnx: 17, name: 'float8e4m3fn', bits: 8 },
  { onnx: 18, name: 'float8e4m3fnuz', bits: 8 },
  { onnx: 19, name: 'float8e5m2', bits: 8 },
  { onnx: 20, name: 'float8e5m2fnuz', bits: 8 },
  { onnx: 21, name: 'uint4', bits: 4 },
  { onnx: 22, name: 'int4', bits: 4 },
  { onnx: 23, name: 'float4e2m1', bits: 4 },
  { onnx: 24, name: 'float8e8m0', bits: 8 },
  { onnx: 25, name: 'uint2', bits: 2 },
  { onnx: 26, name: 'int2', bits: 2 },
];

const byNumber = new Map(elementTypes.map((type) => [type.onnx, type]));
const byOrtName = new Map(
  elementTypes.flatMap((type) => (type.ort === undefined ? [] : [[type.ort as string, type] as const])),
);
const ortNames = new Map(
  elementTypes.flatMap((type) =>
    type.ort === undefined || type.datatype === undefined ? [] : [[type.datatype, type.ort] as const],
  ),
);

/** The element type with this number in `TensorProto.DataType`, if the ONNX specification has it. */
export function elementTypeOfNumber(onnx: number): ElementType | undefined {
  return byNumber.get(onnx);
}

/** The protocol's datatype of an onnxruntime-node type; undefined for those that the protocol lacks. */
export function datatypeOfOrt(ort: string): Datatype | undefined {
  return byOrtName.get(ort)?.datatype;
}

/** What onnxruntime-node calls a datatype; undefined for BF16, which it cannot hand over. */
export function ortTypeOf(datatype: Datatype): OrtTensor.Type | undefined {
  return ortNames.get(datatype);
}
