import type { GraphValue, ValueType } from './outline.ts';
import { type WireField, type WireReader, malformed } from './wire.ts';

/** Longest name of an input or output; also the protocol's limit. */
export const maxNameBytes = 4000;

const maxRank = 1000;

/** Reads a `ValueInfoProto`. */
export function readValue(reader: WireReader, field: WireField, depth: number): GraphValue {
  let name = '';
  let type: ValueType = { kind: 'unknown' };
  for (const part of reader.fields(field, depth)) {
    if (part.number === 1) name = reader.text(part, maxNameBytes);
    if (part.number === 2) type = readType(reader, part, depth + 1);
  }
  return { name, type, field: { start: field.tagStart, end: field.end } };
}

/** Reads a `TypeProto`; only tensors are looked into. */
function readType(reader: WireReader, field: WireField, depth: number): ValueType {
  let type: ValueType = { kind: 'unknown' };
  for (const part of reader.fields(field, depth)) {
    if (part.number === 1) type = readTensorType(reader, part, depth + 1);
    if (part.number === 4) type = { kind: 'sequence' };
    if (part.number === 5) type = { kind: 'map' };
    if (part.number === 8) type = { kind: 'sparse tensor' };
    if (part.number === 9) type = { kind: 'optional' };
  }
  return type;
}

function readTensorType(reader: WireReader, field: WireField, depth: number): ValueType {
  let element = 0;
  let shape: number[] | undefined;
  for (const part of reader.fields(field, depth)) {
    if (part.number === 1) element = part.value;
    if (part.number === 2) shape = readShape(reader, part, depth + 1);
  }
  return { kind: 'tensor', element, ...(shape === undefined ? {} : { shape }) };
}

/** Reads a `TensorShapeProto`: named and absent dimensions are -1. */
function readShape(reader: WireReader, field: WireField, depth: number): number[] {
  const shape: number[] = [];
  for (const dimension of reader.fields(field, depth)) {
    if (dimension.number !== 1) continue;
    if (shape.length >= maxRank)
      throw malformed(`the shape at byte ${field.tagStart} has more than ${maxRank} dimensions`);
    let size = -1;
    for (const part of reader.fields(dimension, depth + 1)) {
      if (part.number === 1) size = part.value;
      if (part.number === 2) size = -1;
    }
    // Some exporters write -1 or 0 where they mean any size; a size of 0 would take nothing at all.
    shape.push(size <= 0 ? -1 : size);
  }
  return shape;
}
