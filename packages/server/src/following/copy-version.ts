import { finished } from 'node:stream/promises';
import type { Writable } from 'node:stream';
import type { ArtifactFile, FoundVersion, MlflowServer } from '@muster-ml/client';
import { MusterError, type StoredObject } from '@muster-ml/protocol';
import { type Pack, pack } from 'tar-stream';
import type { ObjectStore } from '../platform/objects/index.ts';

/** A file whose size the server does not tell is held in memory while it is packed. */
const maxUnsizedBytes = 64 * 1024 * 1024;

/**
 * Copies the files of a version into the object store: its ONNX file where it is one, else its folder as one tar, sorted
 * and without times, so that the same folder has the same digest. Throws what the server says, and `body_too_large`.
 */
export async function copyVersion(
  mlflow: MlflowServer,
  found: FoundVersion,
  objects: Pick<ObjectStore, 'put'>,
  maxBytes: number,
): Promise<StoredObject> {
  const files = await mlflow.list(found.artifacts);
  const onnx = files.find(({ path }) => path === 'model.onnx');
  if (onnx !== undefined && !files.some(({ path }) => path.startsWith('model.onnx.')))
    return await objects.put(chunksOf(await mlflow.open(found.artifacts, onnx.path)), { maxBytes });
  const archive = pack();
  const written = fill(archive, mlflow, found.artifacts, files);
  // Whoever reads the archive hears of the failure.
  written.catch((error: unknown) => archive.destroy(error instanceof Error ? error : new Error(String(error))));
  return await objects.put(archive as unknown as AsyncIterable<Uint8Array>, { maxBytes });
}

async function fill(
  archive: Pack,
  mlflow: MlflowServer,
  artifacts: string,
  files: readonly ArtifactFile[],
): Promise<void> {
  for (const { path, sizeBytes } of files.toSorted((a, b) => (a.path < b.path ? -1 : 1))) {
    const body = await mlflow.open(artifacts, path);
    const header = { name: path, mode: 0o644, mtime: new Date(0), type: 'file' as const };
    if (sizeBytes === undefined) {
      const bytes = await wholeOf(body, path);
      archive.entry({ ...header, size: bytes.byteLength }, bytes);
      continue;
    }
    const entry = archive.entry({ ...header, size: sizeBytes }) as unknown as Writable;
    // It ends with the archive, whose failure is told to who reads that.
    entry.on('error', () => undefined);
    let arrived = 0;
    for await (const chunk of chunksOf(body)) {
      arrived += chunk.byteLength;
      if (arrived > sizeBytes) break;
      if (!entry.write(chunk)) await drained(entry);
    }
    if (arrived !== sizeBytes)
      throw new MusterError(
        'mlflow_refused',
        `${mlflow.url} sent another number of bytes of ${path} than it announced`,
      );
    entry.end();
    await finished(entry);
  }
  archive.finalize();
}

/** Resolves when more may be written, or nothing more will be read. */
function drained(entry: Writable): Promise<void> {
  return new Promise((resolve) => {
    entry.once('drain', resolve);
    entry.once('close', resolve);
  });
}

async function wholeOf(body: ReadableStream<Uint8Array>, path: string): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of chunksOf(body)) {
    size += chunk.byteLength;
    if (size > maxUnsizedBytes)
      throw new MusterError(
        'mlflow_refused',
        `the size of ${path} is not told, and it has more than ${maxUnsizedBytes} bytes`,
      );
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

async function* chunksOf(body: ReadableStream<Uint8Array>): AsyncGenerator<Uint8Array> {
  const reader = body.getReader();
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      yield value;
    }
  } finally {
    await reader.cancel().catch(() => undefined);
  }
}
