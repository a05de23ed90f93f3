/**
 * The elements of a BYTES tensor in its binary form: per element a 4-byte little-endian length and the bytes.
 * Views, no copies. The bytes must be well-formed (`countByteElements`).
 */
export function byteElements(bytes: Uint8Array): Uint8Array[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const elements: Uint8Array[] = [];
  for (let at = 0; at + 4 <= bytes.length;) {
    const size = view.getUint32(at, true);
    elements.push(bytes.subarray(at + 4, at + 4 + size));
    at += 4 + size;
  }
  return elements;
}

/** How many elements the binary form holds; undefined where the lengths do not use it up exactly. */
export function countByteElements(bytes: Uint8Array): number | undefined {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let count = 0;
  let at = 0;
  while (at + 4 <= bytes.length) {
    at += 4 + view.getUint32(at, true);
    count++;
  }
  return at === bytes.length ? count : undefined;
}

/** The binary form of elements. */
export function packByteElements(elements: readonly Uint8Array[]): Uint8Array {
  let size = 0;
  for (const element of elements) size += 4 + element.length;
  const packed = new Uint8Array(size);
  const view = new DataView(packed.buffer);
  let at = 0;
  for (const element of elements) {
    view.setUint32(at, element.length, true);
    packed.set(element, at + 4);
    at += 4 + element.length;
  }
  return packed;
}
