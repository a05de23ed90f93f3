import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { open, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { createDurableWriter, syncFolder } from '../platform/objects/index.ts';

/** How many bytes a file had, and their SHA-256 in hexadecimal. */
export interface Content {
  readonly sizeBytes: number;
  readonly sha256: string;
}

const chunkBytes = 256 * 1024;

/** Reads a file to its end. */
export async function hashFile(file: string): Promise<Content> {
  return await hashed(createReadStream(file, { highWaterMark: chunkBytes }), async () => {});
}

/**
 * Writes a stream to a file that appears whole and on disk, or not at all: beside it first, then renamed. `accept` sees
 * what was written before that, and throws to refuse it.
 */
export async function writeDurably(
  path: string,
  source: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  accept: (written: Content) => void,
): Promise<Content> {
  const part = `${path}.part`;
  // What a crash left; one process writes here at a time.
  await rm(part, { force: true });
  try {
    const file = await open(part, 'wx');
    let written: Content;
    try {
      const writer = createDurableWriter(file, 0);
      written = await hashed(source, async (chunk) => await writer.write(chunk));
      await writer.sync();
    } finally {
      await file.close();
    }
    accept(written);
    await rename(part, path);
    await syncFolder(dirname(path));
    return written;
  } catch (error) {
    await rm(part, { force: true });
    throw error;
  }
}

async function hashed(
  source: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  each: (chunk: Uint8Array) => Promise<void>,
): Promise<Content> {
  const hash = createHash('sha256');
  let sizeBytes = 0;
  for await (const chunk of source) {
    hash.update(chunk);
    sizeBytes += chunk.byteLength;
    await each(chunk);
  }
  return { sizeBytes, sha256: hash.digest('hex') };
}
