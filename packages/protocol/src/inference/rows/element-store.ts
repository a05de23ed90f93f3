import { roundToBfloat16 } from '../bfloat16.ts';
import { type Datatype, missingText } from '../tensor.ts';
import type { Cell } from './cell.ts';

/** Stores a cell as element `index`; false where it does not fit the datatype. */
export type ElementStore = (index: number, cell: Cell) => boolean;

/** How cells go into `bytes` of a datatype, or as UTF-8 into `texts` for BYTES, where a nullable one takes null too. */
export function elementStore(
  datatype: Datatype,
  bytes: Uint8Array<ArrayBuffer>,
  texts: Uint8Array[] | undefined,
  isNullable: boolean,
): ElementStore {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  switch (datatype) {
    case 'BYTES': {
      const encoder = new TextEncoder();
      return (index, cell) => {
        if (cell === null && isNullable && texts !== undefined) {
          texts[index] = missingText;
          return true;
        }
        if (typeof cell !== 'string' || !cell.isWellFormed() || texts === undefined) return false;
        texts[index] = encoder.encode(cell);
        return true;
      };
    }
    case 'BOOL':
      return (index, cell) => {
        if (cell !== true && cell !== false && cell !== 0 && cell !== 1) return false;
        bytes[index] = Number(cell);
        return true;
      };
    case 'FP64':
      return floatStore((index, value) => {
        view.setFloat64(index * 8, value, true);
        return value;
      });
    case 'FP32':
      return floatStore((index, value) => {
        view.setFloat32(index * 4, value, true);
        return Math.fround(value);
      });
    case 'FP16':
      return floatStore((index, value) => {
        view.setFloat16(index * 2, value, true);
        return view.getFloat16(index * 2, true);
      });
    case 'BF16':
      return floatStore((index, value) => {
        const bits = roundToBfloat16(value);
        view.setUint16(index * 2, bits, true);
        return (bits & 0x7fff) === 0x7f80 ? Infinity : 0;
      });
    case 'UINT64':
      return longStore((index, value) => view.setBigUint64(index * 8, value, true), 0n, 2n ** 64n - 1n);
    case 'INT64':
      return longStore((index, value) => view.setBigInt64(index * 8, value, true), -(2n ** 63n), 2n ** 63n - 1n);
    case 'UINT8':
      return integerStore((index, value) => view.setUint8(index, value), 0, 255);
    case 'UINT16':
      return integerStore((index, value) => view.setUint16(index * 2, value, true), 0, 65_535);
    case 'UINT32':
      return integerStore((index, value) => view.setUint32(index * 4, value, true), 0, 4_294_967_295);
    case 'INT8':
      return integerStore((index, value) => view.setInt8(index, value), -128, 127);
    case 'INT16':
      return integerStore((index, value) => view.setInt16(index * 2, value, true), -32_768, 32_767);
    case 'INT32':
      return integerStore((index, value) => view.setInt32(index * 4, value, true), -2_147_483_648, 2_147_483_647);
  }
}

/** `null` is NaN; a flag counts as 0 or 1, as data frames mix them. `write` answers what the value became. */
function floatStore(write: (index: number, value: number) => number): ElementStore {
  return (index, cell) => {
    const value = floatOf(cell);
    if (value === undefined) return false;
    const stored = write(index, value);
    // Infinite only if it was meant so.
    return !Number.isFinite(value) || Number.isFinite(stored);
  };
}

function floatOf(cell: Cell): number | undefined {
  if (typeof cell === 'number') return cell;
  if (cell === null || cell === 'NaN') return NaN;
  if (typeof cell === 'bigint' || typeof cell === 'boolean') return Number(cell);
  if (cell === 'Infinity') return Infinity;
  return cell === '-Infinity' ? -Infinity : undefined;
}

function integerStore(write: (index: number, value: number) => void, least: number, most: number): ElementStore {
  return (index, cell) => {
    const value = typeof cell === 'boolean' ? Number(cell) : cell;
    if (typeof value !== 'number' || !Number.isInteger(value) || value < least || value > most) return false;
    write(index, value);
    return true;
  };
}

function longStore(write: (index: number, value: bigint) => void, least: bigint, most: bigint): ElementStore {
  return (index, cell) => {
    let value: bigint;
    if (typeof cell === 'bigint') value = cell;
    else if (typeof cell === 'boolean' || (typeof cell === 'number' && Number.isSafeInteger(cell)))
      value = BigInt(cell);
    else return false;
    if (value < least || value > most) return false;
    write(index, value);
    return true;
  };
}
