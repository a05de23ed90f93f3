import { closeSync, openSync, readSync } from 'node:fs';

/** What a file begins with, what it then most likely is, whether Muster can serve it. */
const marks: readonly (readonly [mark: string, offset: number, kind: string])[] = [
  ['PK\u0003\u0004', 0, 'a zip file: skops, PyTorch or Keras'],
  ['ustar', 257, 'a tar file: a packed model folder'],
  ['tree\n', 0, 'a LightGBM model'],
  ['CBM1', 0, 'a CatBoost model'],
  ['{L\0\0\0\0\0\0\0\u0007learner', 0, 'an XGBoost model'],
  ['\u0089HDF\r\n', 0, 'an HDF5 file, such as Keras writes'],
  ['GGUF', 0, 'a GGUF file: weights of a language model'],
  ['\u001f\u008b', 0, 'compressed by gzip: perhaps a joblib file'],
  ['BZh', 0, 'compressed by bzip2: perhaps a joblib file'],
  ['\u00fd7zXZ', 0, 'compressed by xz: perhaps a joblib file'],
  ['x\u009c', 0, 'compressed by zlib: perhaps a joblib file'],
  ['x\u0001', 0, 'compressed by zlib: perhaps a joblib file'],
  ['x\u00da', 0, 'compressed by zlib: perhaps a joblib file'],
];

/** What can be told of a file without Python, in words; undefined where its beginning tells nothing. */
export function kindByFirstBytes(path: string): string | undefined {
  const head = firstBytes(path, 512);
  const text = head.toString('latin1');
  if (head[0] === 0x80 && [2, 3, 4, 5].includes(head[1] ?? 0)) return 'a pickle: of pickle, joblib or cloudpickle';
  const found = marks.find(([mark, offset]) => text.startsWith(mark, offset))?.[2];
  if (found !== undefined) return found;
  if (text.startsWith('{', 8) && head.readUInt32LE(4) === 0) return 'safetensors: weights without a network';
  if (/^\s*\{/.test(text)) return text.includes('"learner"') ? 'an XGBoost model, as JSON' : 'JSON';
  return undefined;
}

/** ONNX has no mark; its first field is the version of its form, a small number, and others follow it. */
export function mayBeOnnx(path: string): boolean {
  const head = firstBytes(path, 4);
  return path.endsWith('.onnx') || (head[0] === 0x08 && (head[1] ?? 0) < 0x20 && ((head[2] ?? 0) & 7) === 2);
}

function firstBytes(path: string, count: number): Buffer {
  const file = openSync(path, 'r');
  try {
    const bytes = Buffer.alloc(count);
    return bytes.subarray(0, Math.max(8, readSync(file, bytes, 0, count, 0)));
  } finally {
    closeSync(file);
  }
}
