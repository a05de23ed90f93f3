/** A copy of an ONNX file with other content and the same meaning: a `metadata_props` entry (field 14) is put at its end. */
export function withMark(model: Uint8Array, mark: string): Uint8Array {
  const text = (field: number, value: string): Buffer => {
    const bytes = Buffer.from(value);
    if (bytes.byteLength > 100) throw new Error('a mark is short');
    return Buffer.concat([Buffer.from([(field << 3) | 2, bytes.byteLength]), bytes]);
  };
  const entry = Buffer.concat([text(1, 'mark'), text(2, mark)]);
  return new Uint8Array(Buffer.concat([model, Buffer.from([(14 << 3) | 2, entry.byteLength]), entry]));
}
