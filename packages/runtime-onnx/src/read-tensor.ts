import { elementTypeOfNumber } from './datatype.ts';
import { type ByteRange, type WireReader, malformed } from './wire.ts';

const maxRank = 1000;
const maxNameBytes = 10_000;
const maxLocationBytes = 100_000;

/** What a `TensorProto` says about itself; its data stay in the file. */
export interface TensorOutline {
  readonly name: string;
  readonly elements: number;
  /** Where the data are, if not in this file. */
  readonly location?: string;
}

/**
 * Reads a `TensorProto` without its data.
 *
 * Throws `invalid_model_file` if it declares more elements than the file can hold, before anybody makes room for them.
 */
export function readTensor(reader: WireReader, tensor: ByteRange, depth: number): TensorOutline {
  let name = '';
  let element = 0;
  let elements = 1;
  let rank = 0;
  let isExternal = false;
  let location: string | undefined;
  let rawBytes = -1;
  let listed = 0;
  for (const field of reader.fields(tensor, depth)) {
    const bytes = field.end - field.start;
    if (field.number === 1) {
      for (const dimension of reader.integers(field, maxRank)) {
        if (dimension < 0) throw malformed(`the tensor at byte ${tensor.start} has a dimension of ${dimension}`);
        elements *= dimension;
        rank += 1;
      }
      if (rank > maxRank) throw malformed(`the tensor at byte ${tensor.start} has more than ${maxRank} dimensions`);
    } else if (field.number === 2) element = field.value;
    else if (field.number === 8) name = reader.text(field, maxNameBytes);
    else if (field.number === 9) rawBytes = bytes;
    else if (field.number === 4) listed += bytes / 4;
    else if (field.number === 10) listed += bytes / 8;
    else if (field.number === 6) listed += 1;
    // Integers take at least one byte each, so this is the most that can be there.
    else if (field.number === 5 || field.number === 7 || field.number === 11) listed += bytes;
    else if (field.number === 13) {
      const entry = readEntry(reader, field, depth + 1, maxLocationBytes);
      if (entry.key === 'location') location = entry.value;
    } else if (field.number === 14) isExternal = field.value === 1;
  }
  if (isExternal || location !== undefined) return { name, elements, location: location ?? '' };
  const type = elementTypeOfNumber(element);
  if (type === undefined) throw malformed(`tensor "${name}" has the unknown element type ${element}`);
  const perItem = type.bits > 0 && type.bits < 8 ? 8 / type.bits : 1;
  const capacity = rawBytes >= 0 && type.bits > 0 ? (rawBytes * 8) / type.bits : listed * perItem;
  if (elements > capacity) {
    throw malformed(
      `tensor "${name}" declares ${describeSize(elements, type.bits)}, but the file holds ${tensor.end - tensor.start} bytes of it`,
    );
  }
  return { name, elements };
}

/** Reads a `StringStringEntryProto`. */
export function readEntry(
  reader: WireReader,
  entry: ByteRange,
  depth: number,
  maxBytes: number,
): { key: string; value: string } {
  let key = '';
  let value = '';
  for (const field of reader.fields(entry, depth)) {
    if (field.number === 1) key = reader.text(field, maxBytes);
    if (field.number === 2) value = reader.text(field, maxBytes);
  }
  return { key, value };
}

function describeSize(elements: number, bits: number): string {
  const bytes = (elements * bits) / 8;
  const size = bytes >= 2 ** 30 ? `${(bytes / 2 ** 30).toFixed(1)} GiB` : `${Math.ceil(bytes)} bytes`;
  return bits === 0 ? `${elements} strings` : `${elements} elements (${size})`;
}
