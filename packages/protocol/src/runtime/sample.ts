import type { TensorHeader } from './messages.ts';

/**
 * Rows that travel with a version, as an object: `u32 headerLength | header JSON | bytes`, little-endian.
 * The header names the inputs (sizes into the bytes that follow, in order).
 */
export interface SampleHeader {
  readonly inputs: readonly TensorHeader[];
}

/** Packs inputs (headers and the bytes in their order) as one sample object. */
export function packSample(inputs: readonly TensorHeader[], payload: readonly Uint8Array[]): Uint8Array {
  const header = new TextEncoder().encode(JSON.stringify({ inputs } satisfies SampleHeader));
  const size = payload.reduce((sum, bytes) => sum + bytes.byteLength, 4 + header.byteLength);
  const packed = new Uint8Array(size);
  new DataView(packed.buffer).setUint32(0, header.byteLength, true);
  packed.set(header, 4);
  let at = 4 + header.byteLength;
  for (const bytes of payload) {
    packed.set(bytes, at);
    at += bytes.byteLength;
  }
  return packed;
}

/** Reads a sample that `packSample` made. */
export function unpackSample(packed: Uint8Array): {
  readonly inputs: readonly TensorHeader[];
  readonly payload: Uint8Array;
} {
  const headerLength = new DataView(packed.buffer, packed.byteOffset, packed.byteLength).getUint32(0, true);
  const header = JSON.parse(new TextDecoder().decode(packed.subarray(4, 4 + headerLength))) as SampleHeader;
  return { inputs: header.inputs, payload: packed.subarray(4 + headerLength) };
}
