import { createHash } from 'node:crypto';
import { type FileHandle, open } from 'node:fs/promises';
import type { UploadSource } from '@muster-ml/client';
import { UsageError } from '../usage-error.ts';

/** An open file with its digest, ready to be sent. */
export interface ModelFile extends UploadSource, AsyncDisposable {
  readonly path: string;
}

const chunkBytes = 1024 * 1024;

/** Reads the file once for its digest, a mebibyte at a time. Throws `UsageError` where it is no file. */
export async function openModelFile(
  path: string,
  onProgress: (readBytes: number, sizeBytes: number) => void,
  signal: AbortSignal,
): Promise<ModelFile> {
  const file = await opened(path);
  try {
    const { size } = await file.stat();
    if (size === 0) throw new UsageError(`${path} is empty`, 'Export the model again.', path);
    const hash = createHash('sha256');
    const buffer = Buffer.allocUnsafe(chunkBytes);
    for (let at = 0; at < size;) {
      signal.throwIfAborted();
      const { bytesRead } = await file.read(buffer, 0, chunkBytes, at);
      if (bytesRead === 0)
        throw new UsageError(
          `${path} became shorter while it was read`,
          'Wait until it is written, then try again.',
          path,
        );
      hash.update(buffer.subarray(0, bytesRead));
      at += bytesRead;
      onProgress(at, size);
    }
    return {
      path,
      sizeBytes: size,
      sha256: hash.digest('hex'),
      read: async (start, end) => await readRange(file, start, end),
      [Symbol.asyncDispose]: async () => await file.close(),
    };
  } catch (error) {
    await file.close();
    throw error;
  }
}

async function opened(path: string): Promise<FileHandle> {
  try {
    const file = await open(path, 'r');
    if ((await file.stat()).isFile()) return file;
    await file.close();
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : '';
    if (code === 'ENOENT') throw new UsageError(`there is no file ${path}`, 'Check the path.', path);
    throw new UsageError(`${path} cannot be read (${code})`, 'Check its permissions.', path);
  }
  throw new UsageError(`${path} is not a file`, 'Name the model file itself, such as model.onnx.', path);
}

async function readRange(file: FileHandle, start: number, end: number): Promise<Uint8Array> {
  const bytes = Buffer.allocUnsafe(end - start);
  for (let at = 0; at < bytes.length;) {
    const { bytesRead } = await file.read(bytes, at, bytes.length - at, start + at);
    if (bytesRead === 0) return bytes.subarray(0, at);
    at += bytesRead;
  }
  return bytes;
}
