/** The ends of a file: enough to tell what kind of file it is, whoever wrote it. */
export interface FileEnds {
  /** The first bytes, at most `headBytes`. */
  readonly head: Uint8Array;
  /** The last bytes, at most `tailBytes`; they overlap the first in a small file. */
  readonly tail: Uint8Array;
}

export const headBytes = 4096;
export const tailBytes = 16;

/** Which inspection a file goes to: the one of ONNX, or the one that tells apart what only Python can run. */
export type Inspector = 'onnx' | 'python';

/** What files begin with that are no ONNX, at offset 0. No ONNX file begins so: none of it is a field that ONNX has. */
const beginnings: readonly (readonly number[])[] = [
  [0x1f, 0x8b], // gzip: joblib with compress
  [0x78, 0x01], // zlib, as joblib compresses by default, in its four levels
  [0x78, 0x5e],
  [0x78, 0x9c],
  [0x78, 0xda],
  [0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00], // xz
  [0x5d, 0x00, 0x00], // lzma
  [0x04, 0x22, 0x4d, 0x18], // lz4
  bytesOf('BZh'), // bzip2
  bytesOf('PK\x03\x04'), // zip: skops, and what PyTorch and Keras write
  bytesOf('tree\n'), // LightGBM's text
  bytesOf('CBM1'), // CatBoost
  bytesOf('binf'), // XGBoost before 1.0, as numbers and as text
  bytesOf('bs64'),
  [0x89, 0x48, 0x44, 0x46], // HDF5: Keras of old
  [0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59], // an array of numpy
];

/** The highest protocol that pickles say they are written in; 5 is the newest, and a newer one is no ONNX either. */
const highestPickleProtocol = 9;

/**
 * Tells by the ends of a file which inspection can say more about it. What is not known as something else is tried as
 * ONNX, whose inspection says what is wrong with it.
 */
export function recogniseFile({ head, tail }: FileEnds): Inspector {
  if (isPickle(head, tail) || isTar(head) || isJson(head) || isSafetensors(head)) return 'python';
  return beginnings.some((bytes) => beginsWith(head, bytes)) ? 'python' : 'onnx';
}

function isPickle(head: Uint8Array, tail: Uint8Array): boolean {
  const [first, protocol] = head;
  if (first === 0x80 && protocol !== undefined) return protocol >= 2 && protocol <= highestPickleProtocol;
  // Protocols 0 and 1 have no header: a name to import comes first, after a mark at most, and a full stop last.
  if (tail.at(-1) !== 0x2e) return false;
  return /^\(?c[A-Za-z_][\w.]*\n/.test(latin1(head));
}

function isTar(head: Uint8Array): boolean {
  return beginsWith(head.subarray(257), bytesOf('ustar'));
}

/** JSON and UBJSON: XGBoost's formats, CatBoost's and many descriptions of models. */
function isJson(head: Uint8Array): boolean {
  return /^(\xef\xbb\xbf)?[ \t\r\n]*\{/.test(latin1(head));
}

/** A length of 64 bits and a header in JSON. */
function isSafetensors(head: Uint8Array): boolean {
  if (head.byteLength < 10) return false;
  const [high, low] = [head.subarray(5, 8), head.subarray(8, 10)];
  return high.every((byte) => byte === 0) && beginsWith(low, bytesOf('{"'));
}

function beginsWith(bytes: Uint8Array, beginning: readonly number[]): boolean {
  return bytes.byteLength >= beginning.length && beginning.every((byte, index) => bytes[index] === byte);
}

function bytesOf(text: string): readonly number[] {
  return Array.from(text, (character) => character.charCodeAt(0));
}

function latin1(bytes: Uint8Array): string {
  return new TextDecoder('latin1').decode(bytes);
}
