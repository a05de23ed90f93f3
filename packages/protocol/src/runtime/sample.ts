import type { TensorHeader } from './messages.ts';

/**
 * Rows that travel with a version, as an object: `u32 headerLength | header JSON | bytes`, little-endian.
 * The header names the inputs, then the outputs that the training library gave for them, if it is known (sizes into the
 * bytes that follow, in order).
 */
export interface SampleHeader {
  readonly inputs: readonly TensorHeader[];
  readonly outputs?: readonly TensorHeader[];
  /** The inputs are the columns of a table. */
  readonly isTable?: boolean;
}

export interface UnpackedSample {
  readonly inputs: readonly TensorHeader[];
  /** Bytes of the inputs. */
  readonly payload: Uint8Array;
  /** Empty where no answers came with the rows. */
  readonly outputs: readonly TensorHeader[];
  readonly outputPayload: Uint8Array;
  readonly isTable: boolean;
}

/** Packs a sample (headers, then the bytes of the inputs and of the outputs in their order) as one object. */
export function packSample(header: SampleHeader, payload: readonly Uint8Array[]): Uint8Array {
  const headerBytes = new TextEncoder().encode(JSON.stringify(header));
  const size = payload.reduce((sum, bytes) => sum + bytes.byteLength, 4 + headerBytes.byteLength);
  const packed = new Uint8Array(size);
  new DataView(packed.buffer).setUint32(0, headerBytes.byteLength, true);
  packed.set(headerBytes, 4);
  let at = 4 + headerBytes.byteLength;
  for (const bytes of payload) {
    packed.set(bytes, at);
    at += bytes.byteLength;
  }
  return packed;
}

/** Reads a sample that `packSample` made. */
export function unpackSample(packed: Uint8Array): UnpackedSample {
  const headerLength = new DataView(packed.buffer, packed.byteOffset, packed.byteLength).getUint32(0, true);
  const header = JSON.parse(new TextDecoder().decode(packed.subarray(4, 4 + headerLength))) as SampleHeader;
  const inputBytes = header.inputs.reduce((sum, { size }) => sum + size, 0);
  const start = 4 + headerLength;
  return {
    inputs: header.inputs,
    payload: packed.subarray(start, start + inputBytes),
    outputs: header.outputs ?? [],
    outputPayload: packed.subarray(start + inputBytes),
    isTable: header.isTable ?? false,
  };
}
