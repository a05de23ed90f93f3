import { type Datatype, missingText, packByteElements } from '@muster-ml/protocol';

/**
 * Cells of a table as the elements of a tensor in binary form. A missing one (null) is NaN for floating-point types and
 * `missingText` for BYTES; an empty one is NaN and an empty text. Answers the index of the first cell that does not fit
 * instead.
 */
export function encodeCells(
  cells: readonly (string | null)[],
  datatype: Datatype,
): Uint8Array | { readonly unfitIndex: number } {
  if (datatype === 'BYTES') {
    const encoder = new TextEncoder();
    return packByteElements(cells.map((cell) => (cell === null ? missingText : encoder.encode(cell))));
  }
  const { bytes, write } = elementsOf(datatype);
  const encoded = new Uint8Array(bytes * cells.length);
  const view = new DataView(encoded.buffer);
  for (const [index, cell] of cells.entries()) {
    if (!write(view, index * bytes, cell === null ? '' : cell.trim())) return { unfitIndex: index };
  }
  return encoded;
}

interface Elements {
  readonly bytes: number;
  /** Writes one element; false where the cell holds none of this type. */
  readonly write: (view: DataView, at: number, cell: string) => boolean;
}

function elementsOf(datatype: Exclude<Datatype, 'BYTES'>): Elements {
  switch (datatype) {
    case 'FP64':
      return floats(8, (view, at, value) => view.setFloat64(at, value, true));
    case 'FP32':
      return floats(4, (view, at, value) => view.setFloat32(at, value, true));
    case 'FP16':
      return floats(2, (view, at, value) => view.setFloat16(at, value, true));
    case 'BF16':
      return floats(2, (view, at, value) => view.setUint16(at, bfloat16Bits(value), true));
    case 'INT64':
      return wideIntegers(-(2n ** 63n), 2n ** 63n - 1n, (view, at, value) => view.setBigInt64(at, value, true));
    case 'UINT64':
      return wideIntegers(0n, 2n ** 64n - 1n, (view, at, value) => view.setBigUint64(at, value, true));
    case 'INT32':
      return integers(4, -(2 ** 31), 2 ** 31 - 1, (view, at, value) => view.setInt32(at, value, true));
    case 'UINT32':
      return integers(4, 0, 2 ** 32 - 1, (view, at, value) => view.setUint32(at, value, true));
    case 'INT16':
      return integers(2, -(2 ** 15), 2 ** 15 - 1, (view, at, value) => view.setInt16(at, value, true));
    case 'UINT16':
      return integers(2, 0, 2 ** 16 - 1, (view, at, value) => view.setUint16(at, value, true));
    case 'INT8':
      return integers(1, -128, 127, (view, at, value) => view.setInt8(at, value));
    case 'UINT8':
      return integers(1, 0, 255, (view, at, value) => view.setUint8(at, value));
    case 'BOOL':
      return {
        bytes: 1,
        write: (view, at, cell) => {
          const value = ['false', '0'].includes(cell.toLowerCase())
            ? 0
            : ['true', '1'].includes(cell.toLowerCase())
              ? 1
              : undefined;
          if (value !== undefined) view.setUint8(at, value);
          return value !== undefined;
        },
      };
  }
}

function floats(bytes: number, set: (view: DataView, at: number, value: number) => void): Elements {
  return {
    bytes,
    write: (view, at, cell) => {
      const value = numberIn(cell);
      if (value !== undefined) set(view, at, value);
      return value !== undefined;
    },
  };
}

function integers(
  bytes: number,
  min: number,
  max: number,
  set: (view: DataView, at: number, value: number) => void,
): Elements {
  return {
    bytes,
    write: (view, at, cell) => {
      const value = cell === '' ? undefined : numberIn(cell);
      if (value === undefined || !Number.isInteger(value) || value < min || value > max) return false;
      set(view, at, value);
      return true;
    },
  };
}

function wideIntegers(min: bigint, max: bigint, set: (view: DataView, at: number, value: bigint) => void): Elements {
  return {
    bytes: 8,
    write: (view, at, cell) => {
      // pandas writes integer columns with a missing value as 3.0
      const digits = /^[+-]?\d{1,20}(?=(\.0*)?$)/.exec(cell)?.[0];
      if (digits === undefined) return false;
      const value = BigInt(digits.replace('+', ''));
      if (value < min || value > max) return false;
      set(view, at, value);
      return true;
    },
  };
}

/** NaN and infinity as pandas, R and JSON libraries write them. */
const words = new Map([
  ['', Number.NaN],
  ['nan', Number.NaN],
  ['na', Number.NaN],
  ['null', Number.NaN],
  ['inf', Number.POSITIVE_INFINITY],
  ['+inf', Number.POSITIVE_INFINITY],
  ['-inf', Number.NEGATIVE_INFINITY],
  ['infinity', Number.POSITIVE_INFINITY],
  ['+infinity', Number.POSITIVE_INFINITY],
  ['-infinity', Number.NEGATIVE_INFINITY],
]);

/** The number in a cell, NaN where it says that there is none; undefined where it holds something else. */
export function numberIn(cell: string): number | undefined {
  if (/^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(cell)) return Number(cell);
  return words.get(cell.toLowerCase());
}

const single = new DataView(new ArrayBuffer(4));

/** The upper half of the single, rounded to nearest, ties to even. */
function bfloat16Bits(value: number): number {
  single.setFloat32(0, value);
  const bits = single.getUint32(0);
  if (Number.isNaN(value)) return 0x7fc0;
  return ((bits + 0x7fff + ((bits >>> 16) & 1)) >>> 16) & 0xffff;
}
